using Sluice.Bench.Measuring;

namespace Sluice.Bench.Tests;

public class SpreadTests
{
    [Fact]
    public void The_median_of_an_odd_number_is_the_one_in_the_middle() =>
        Spread.Of([9, 1, 5]).ShouldBe(new Spread(5, 1, 9));

    [Fact]
    public void The_median_of_an_even_number_is_between_the_two_in_the_middle() =>
        Spread.Of([4, 1, 100, 2]).ShouldBe(new Spread(3, 1, 100));

    [Fact]
    public void One_measurement_is_its_own_spread() => Spread.Of([7]).ShouldBe(new Spread(7, 7, 7));

    [Fact]
    public void Nothing_has_no_spread() => Should.Throw<ArgumentException>(() => Spread.Of([]));
}
