using System.Globalization;

namespace Sluice.Bench.Reporting;

/// <summary>Figures as they stand in tables: three digits that count, thousands apart.</summary>
internal static class Number
{
    public static string Of(double value)
    {
        var decimals = Math.Abs(value) switch { >= 100 => 0, >= 10 => 1, _ => 2 };
        return value.ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    public static string Share(double share) => (share * 100).ToString("0", CultureInfo.InvariantCulture) + " %";

    public static string Ratio(double part, double whole) => whole > 0 ? Of(part / whole) : "–";
}
