using System.Text.Json;
using Sluice.Bench.Machine;
using Sluice.Bench.Measuring;

namespace Sluice.Bench.Reporting;

/// <summary>Every single measurement, for whoever wants to do other sums.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Write(string file, Facts facts, BenchSettings settings, IReadOnlyList<Sample> samples, IReadOnlyList<Absence> absences)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } directory) Directory.CreateDirectory(directory);
        var machine = new { facts.Processor, facts.Cores, facts.MemoryGiB, facts.Kernel, Versions = facts.Versions.ToDictionary(tool => tool.Name, tool => tool.Version, StringComparer.Ordinal) };
        File.WriteAllText(file, JsonSerializer.Serialize(new { machine, settings, samples, absences }, Format) + "\n");
    }
}
