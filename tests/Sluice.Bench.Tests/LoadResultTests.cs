using Sluice.Bench.Load;
using Sluice.Bench.Measuring;
using Sluice.Bench.Reporting;

namespace Sluice.Bench.Tests;

public class LoadResultTests
{
    private const string Echo =
        """{"mode":"echo","count":2000,"seconds":0.5,"server_cpu":0.01,"load_cpu":0.25,"p50_us":39.1,"p99_us":99,"p999_us":130.5,"bytes_back":66.0}""";

    [Fact]
    public void A_result_is_read_with_its_units()
    {
        var sample = new Sample("echo", "floor", 1, LoadResult.Parse(Echo));
        sample.Result.P50.ShouldBe(39.1);
        sample.Result.P999.ShouldBe(130.5);
        sample.CpuMicroseconds.ShouldBe(5, 1e-9);
        sample.PerSecond.ShouldBe(4000, 1e-9);
        sample.ServerShare.ShouldBe(0.02, 1e-9);
        sample.LoadShare.ShouldBe(0.5, 1e-9);
    }

    [Fact]
    public void The_end_of_the_search_for_members_is_read() =>
        LoadResult.Parse("""{"mode":"capacity","count":19000,"seconds":9.1,"at_limit":true}""").AtLimit.ShouldBeTrue();

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("load: connect: refused")]
    [InlineData("""{"mode":"echo"}""")]
    public void What_is_no_result_is_told_as_it_came(string line) =>
        Should.Throw<BenchException>(() => LoadResult.Parse(line)).Message.ShouldContain($"'{line}'");

    [Theory]
    [InlineData(0.99, 0.5, "server")]
    [InlineData(0.5, 0.95, "load")]
    [InlineData(0.95, 0.95, "both")]
    [InlineData(0.5, 0.5, "neither")]
    public void A_core_that_is_full_is_the_limit(double server, double load, string limit) =>
        Row.Classify(server, load).ShouldBe(limit);
}
