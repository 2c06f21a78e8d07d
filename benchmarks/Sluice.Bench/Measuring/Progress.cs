using System.Globalization;

namespace Sluice.Bench.Measuring;

/// <summary>A measurement in a few words, for whoever watches the run.</summary>
internal static class Progress
{
    public static string Line(Sample sample) => sample.Result.Mode switch
    {
        "idle" => Text($"{sample.ResidentBytes / 1024.0 / sample.Result.Count:0.00} KiB a connection"),
        "capacity" => Text($"{(sample.Result.AtLimit ? "at least " : "")}{sample.Result.Count} members"),
        _ => Text($"{sample.CpuMicroseconds:0.00} µs of CPU, {sample.PerSecond:0} a second, server {sample.ServerShare:P0}, load {sample.LoadShare:P0}"),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
