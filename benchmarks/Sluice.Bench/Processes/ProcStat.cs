using System.Globalization;

namespace Sluice.Bench.Processes;

/// <summary>What a run needs of <c>/proc/PID/stat</c> (proc(5)): the parent, and the ticks of user and system time.</summary>
internal readonly record struct ProcStat(int Id, int Parent, long UserTicks, long SystemTicks)
{
    /// <summary>Reads a line; false when it is not one.</summary>
    public static bool TryParse(string line, out ProcStat stat)
    {
        stat = default;
        // The name stands in parentheses and may itself hold blanks and parentheses: what follows the last one counts.
        var open = line.IndexOf('(', StringComparison.Ordinal);
        var close = line.LastIndexOf(')');
        if (open < 2 || close < open) return false;
        var fields = line[(close + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 13
            || !int.TryParse(line.AsSpan(0, open - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            || !int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var parent)
            || !long.TryParse(fields[11], NumberStyles.None, CultureInfo.InvariantCulture, out var user)
            || !long.TryParse(fields[12], NumberStyles.None, CultureInfo.InvariantCulture, out var system))
        {
            return false;
        }

        stat = new ProcStat(id, parent, user, system);
        return true;
    }
}
