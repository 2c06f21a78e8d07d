namespace Sluice.Bench.Measuring;

/// <summary>The median of some measurements, the smallest and the largest.</summary>
internal readonly record struct Spread(double Median, double Least, double Most)
{
    /// <exception cref="ArgumentException">There is no measurement.</exception>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0) throw new ArgumentException("a spread of nothing", nameof(values));
        var middle = sorted.Length / 2;
        var median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }
}
