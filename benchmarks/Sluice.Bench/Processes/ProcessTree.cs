using System.Globalization;

namespace Sluice.Bench.Processes;

/// <summary>The processes below one, as <c>/proc</c> has them now.</summary>
internal static class ProcessTree
{
    /// <summary>The descendants of <paramref name="ancestor"/>, without itself.</summary>
    public static IReadOnlyList<int> Below(int ancestor) => Below(ancestor, ReadAll());

    public static IReadOnlyList<int> Below(int ancestor, IEnumerable<ProcStat> processes)
    {
        var children = processes.ToLookup(process => process.Parent);
        var found = new List<int>();
        var seen = new HashSet<int> { ancestor };
        var open = new Stack<int>([ancestor]);
        while (open.TryPop(out var parent))
        {
            foreach (var child in children[parent])
            {
                if (!seen.Add(child.Id)) continue;
                found.Add(child.Id);
                open.Push(child.Id);
            }
        }

        return found;
    }

    /// <summary>The resident memory of all these processes, in bytes; one that has ended counts nothing.</summary>
    public static long ResidentBytes(IEnumerable<int> ids) => ids.Sum(id =>
        TryRead($"/proc/{id}/status") is { } status && ResidentMemory.TryParse(status, out var bytes) ? bytes : 0);

    private static IEnumerable<ProcStat> ReadAll()
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out _)) continue;
            if (TryRead(Path.Combine(directory, "stat")) is { } line && ProcStat.TryParse(line, out var stat)) yield return stat;
        }
    }

    private static string? TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // it has ended since
        }
    }
}
