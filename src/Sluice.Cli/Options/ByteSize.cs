using System.Globalization;

namespace Sluice.Cli.Options;

/// <summary>Sizes as people write them: <c>65536</c>, <c>64KiB</c>, <c>1MiB</c>; K, M and G mean the same.</summary>
internal static class ByteSize
{
    private static readonly (string Unit, long Bytes)[] Units =
        [("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30)];

    public static Setting<long> Option(string name, string description, long defaultValue, long least, long most)
        => new(name, description, defaultValue, Format)
        {
            HelpName = "size",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (TryParse(text, out var size) && size >= least && size <= most) return size;
                result.AddError($"'{text}' is no size from {Format(least)} to {Format(most)}, as 65536, 64KiB or 1MiB");
                return 0;
            },
        };

    public static bool TryParse(string text, out long size)
    {
        var number = text;
        long scale = 1;
        foreach (var (unit, bytes) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)) continue;
            number = text[..^unit.Length];
            scale = bytes;
            break;
        }
        size = 0;
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
        if (value > long.MaxValue / scale) return false;
        size = value * scale;
        return true;
    }

    public static string Format(long size)
    {
        var (unit, scale) = Units.Take(3).LastOrDefault(unit => size % unit.Bytes == 0, (Unit: "", Bytes: 1));
        return string.Create(CultureInfo.InvariantCulture, $"{size / scale}{unit}");
    }
}
