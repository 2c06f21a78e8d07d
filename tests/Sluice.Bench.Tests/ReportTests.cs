using System.Xml.Linq;
using Sluice.Bench.Load;
using Sluice.Bench.Machine;
using Sluice.Bench.Measuring;
using Sluice.Bench.Peers;
using Sluice.Bench.Reporting;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Tests;

public sealed class ReportTests : IDisposable
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";
    private readonly string _directory = Directory.CreateTempSubdirectory("sluice-report-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_chart_has_a_bar_for_each_peer_in_proportion()
    {
        var chart = XDocument.Parse(BarChart.Write("a < b & c", "µs", [Bar("one", 1, BarChart.Ours), Bar("\"two\"", 2, BarChart.Peer)]));
        var bars = chart.Descendants(Svg + "rect").Where(rect => rect.Attribute("class") is not null).ToList();
        bars.Select(bar => bar.Attribute("class")!.Value).ShouldBe(["ours", "peer"]);
        Width(bars[1]).ShouldBe(Width(bars[0]) * 2, 0.2);
        chart.Descendants(Svg + "title").Single().Value.ShouldBe("a < b & c");
        chart.Descendants(Svg + "text").Select(text => text.Value).ShouldContain("\"two\"");
    }

    [Fact]
    public void A_chart_of_nothing_is_a_chart() =>
        XDocument.Parse(BarChart.Write("empty", "µs", [])).Root!.Name.ShouldBe(Svg + "svg");

    [Fact]
    public void Numbers_keep_three_digits_that_count() =>
        new[] { 0.4712, 12.34, 123.4, 230230.4 }.Select(Number.Of).ShouldBe(["0.47", "12.3", "123", "230,230"]);

    [Fact]
    public void A_page_tells_figures_ratios_losses_and_who_is_missing()
    {
        Write([Sample("floor", 5), Sample("sluice", 8), Sample("sluice", 6), Sample("sluice", 20), Sample("gorilla", 7)], [new("echo-64-50x1", "xnet", "failed: it ended")]);
        var page = File.ReadAllText(Path.Combine(_directory, "benchmarks.md"));
        page.ShouldContain("| **sluice serve** | 8.00 | 6.00 – 20.0 | 1.60 | 1.00 |");
        page.ShouldContain("| sluice serve | bare TCP, C epoll | 1.60 | 1.15 | **missed** |");
        page.ShouldContain("gorilla 7.00, sluice serve 8.00 µs of server CPU per message");
        page.ShouldContain("Not in the table: x/net, failed: it ended.");
        File.Exists(Path.Combine(_directory, "benchmarks", "echo-64-50x1.svg")).ShouldBeTrue();
    }

    [Fact]
    public void A_table_of_idle_connections_tells_what_came_before_and_when_it_was_read()
    {
        var scenario = ScenarioCatalog.Default.First(scenario => scenario.Kind == Kind.Idle) with { Before = 1_234 };
        Write(scenario, new BenchSettings { Calm = TimeSpan.FromSeconds(2.5) }, [Sample("sluice", 8) with { Scenario = scenario.Id }], []);
        File.ReadAllText(Path.Combine(_directory, "benchmarks.md")).ShouldContain("opened after the first 1,234, read 2.5 s after the last one,");
    }

    [Fact]
    public void Charts_of_an_earlier_run_do_not_stay()
    {
        var old = Path.Combine(Directory.CreateDirectory(Path.Combine(_directory, "benchmarks")).FullName, "old.svg");
        File.WriteAllText(old, "");
        Write([Sample("sluice", 8)], []);
        File.Exists(old).ShouldBeFalse();
    }

    [Fact]
    public void Scenarios_have_names_of_their_own_and_goals_name_scenarios_and_peers()
    {
        var names = ScenarioCatalog.All.Select(scenario => scenario.Id).ToList();
        names.Distinct(StringComparer.Ordinal).Count().ShouldBe(names.Count);
        foreach (var goal in Goal.All.Concat(Goal.OfTransport))
        {
            ScenarioCatalog.Default.ShouldContain(scenario => scenario.Id == goal.Scenario);
            PeerCatalog.Servers.ShouldContain(peer => peer.Id == goal.Against);
        }
    }

    private static double Width(XElement bar) => double.Parse(bar.Attribute("width")!.Value, System.Globalization.CultureInfo.InvariantCulture);

    private static Bar Bar(string name, double value, string kind) => new(name, new Spread(value, value, value), kind);

    private static Sample Sample(string peer, double microseconds) => new("echo-64-50x1", peer, 1,
        new LoadResult { Mode = "echo", Count = 1_000_000, Seconds = 10, ServerCpu = microseconds });

    private void Write(IReadOnlyList<Sample> samples, IReadOnlyList<Absence> absences)
        => Write(ScenarioCatalog.Default.First(scenario => scenario.Id == "echo-64-50x1"), new BenchSettings(), samples, absences);

    private void Write(Scenario scenario, BenchSettings settings, IReadOnlyList<Sample> samples, IReadOnlyList<Absence> absences)
    {
        var table = Table.Of(scenario, PeerCatalog.Servers, samples, absences);
        new Report(new Facts("a processor", 2, 4, "6.0", []), new Cores(0, 1), settings, "./bench", [table]).WriteTo(_directory);
    }
}
