using System.Globalization;

namespace Sluice.Bench.Machine;

/// <summary>The core of the server, and that of the load, of those that this process may use.</summary>
internal readonly record struct Cores(int Server, int Load)
{
    private const string Name = "Cpus_allowed_list:";

    public bool AreShared => Server == Load;

    public static Cores OfThisProcess() => Of(File.ReadAllText("/proc/self/status"));

    /// <summary>The first and the second of the list in <c>/proc/self/status</c>, as in <c>0-3,8</c>.</summary>
    public static Cores Of(string status)
    {
        var line = status.Split('\n').FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal))
            ?? throw new BenchException("/proc/self/status does not say which cores may be used");
        List<int> cores = [];
        foreach (var range in line[Name.Length..].Trim().Split(','))
        {
            var ends = range.Split('-');
            var first = int.Parse(ends[0], CultureInfo.InvariantCulture);
            cores.Add(first);
            if (ends.Length > 1 && int.Parse(ends[1], CultureInfo.InvariantCulture) > first) cores.Add(first + 1);
        }

        return new Cores(cores[0], cores.Count > 1 ? cores[1] : cores[0]);
    }
}
