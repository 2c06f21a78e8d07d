using System.CommandLine.Parsing;
using System.Globalization;

namespace Sluice.Cli.Options;

/// <summary>Times as people write them: <c>500ms</c>, <c>3s</c>, <c>1.5m</c>, <c>2h</c>; a bare number is seconds.</summary>
internal static class Duration
{
    private static readonly (string Unit, double Milliseconds)[] Units =
        [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

    /// <summary>An option that takes a time within bounds; <c>0</c> or <c>off</c> for never, where allowed.</summary>
    public static Setting<TimeSpan> Option(
        string name, string description, TimeSpan? defaultValue, TimeSpan least, TimeSpan most, bool mayBeOff = false)
        => new(name, description, defaultValue, Format)
        {
            HelpName = "time",
            CustomParser = result => Parse(result, least, most, mayBeOff),
        };

    public static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        var number = text;
        var scale = 1000d;
        foreach (var (unit, milliseconds) in Units)
        {
            if (!text.EndsWith(unit, StringComparison.Ordinal)) continue;
            number = text[..^unit.Length];
            scale = milliseconds;
            break;
        }
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)) return false;
        if (value * scale > TimeSpan.MaxValue.TotalMilliseconds / 2) return false;
        time = TimeSpan.FromMilliseconds(value * scale);
        return true;
    }

    public static string Format(TimeSpan time)
        => time == Timeout.InfiniteTimeSpan ? "off"
            : time.TotalMilliseconds < 1000 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds}ms")
            : time.Ticks % TimeSpan.TicksPerHour == 0 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours}h")
            : time.Ticks % TimeSpan.TicksPerMinute == 0 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes}m")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds}s");

    private static TimeSpan Parse(ArgumentResult result, TimeSpan least, TimeSpan most, bool mayBeOff)
    {
        var text = result.Tokens[0].Value;
        if (mayBeOff && text is "0" or "off") return Timeout.InfiniteTimeSpan;
        if (TryParse(text, out var time) && time >= least && time <= most) return time;
        var off = mayBeOff ? ", or off" : "";
        result.AddError($"'{text}' is no time from {Format(least)} to {Format(most)}, as 500ms, 3s or 2m{off}");
        return default;
    }
}
