using System.Globalization;

namespace Sluice.Bench.Processes;

/// <summary>The line <c>VmRSS</c> of <c>/proc/PID/status</c> (proc(5)).</summary>
internal static class ResidentMemory
{
    private const string Name = "VmRSS:";

    public static bool TryParse(string status, out long bytes)
    {
        bytes = 0;
        foreach (var line in status.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(Name, StringComparison.Ordinal)) continue;
            var value = line[Name.Length..].Trim();
            if (!value.EndsWith(" kB", StringComparison.Ordinal)
                || !long.TryParse(value[..^3], NumberStyles.None, CultureInfo.InvariantCulture, out var kibibytes))
            {
                return false;
            }

            bytes = kibibytes * 1024;
            return true;
        }

        return false;
    }
}
