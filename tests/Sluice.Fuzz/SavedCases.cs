using System.Globalization;
using Sluice.Fuzz.Engine;
using Sluice.Peers;

namespace Sluice.Fuzz;

/// <summary>Inputs on disk: what was found once and is tried first ever after, and what is found now.</summary>
internal static class SavedCases
{
    private const int BytesShown = 1024;

    /// <summary>SLUICE_FUZZ_SEED; without it another one in every run, so that runs add up.</summary>
    public static ulong Seed { get; } =
        ulong.TryParse(Environment.GetEnvironmentVariable("SLUICE_FUZZ_SEED"), CultureInfo.InvariantCulture, out var seed)
            ? seed
            : (ulong)System.Random.Shared.NextInt64();

    /// <summary>The files of a target under Cases.</summary>
    public static IEnumerable<string> Of(string target)
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "Cases", target);
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.hex").Order(StringComparer.Ordinal) : [];
    }

    /// <summary>Saves a finding, and says what it is and how to repeat it.</summary>
    public static string Report(Finding finding)
    {
        var path = RepositoryRoot.Combine("artifacts", "fuzz", $"{finding.Target}-{Checksum(finding.Input):x8}.hex");
        var saved = Path.GetRelativePath(RepositoryRoot.FullPath, path);
        Hex.Write(path, finding.Input, $"{finding.Target}, seed {finding.Seed}: {finding.Error.Message}");
        return $"""
            {finding.Target} failed: {finding.Error.Message}
            seed:   {finding.Seed}
            input:  {Shown(finding.Input)}
            saved:  {saved}
            repeat: ./fuzz --replay {saved}
            keep:   copy the file to tests/Sluice.Fuzz/Cases/{finding.Target}/
            {finding.Error}
            """;
    }

    private static string Shown(byte[] input)
    {
        var hex = Convert.ToHexStringLower(input.AsSpan(0, Math.Min(input.Length, BytesShown)));
        return input.Length <= BytesShown ? hex : $"{hex}… ({input.Length} bytes)";
    }

    private static uint Checksum(byte[] input)
    {
        var sum = 2166136261u;
        foreach (var value in input) sum = (sum ^ value) * 16777619;
        return sum;
    }
}
