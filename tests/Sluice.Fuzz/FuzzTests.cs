using System.Globalization;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Targets;

namespace Sluice.Fuzz;

/// <summary>What continuous integration runs: every saved input, then about a minute of fuzzing over all targets.</summary>
public sealed class FuzzTests
{
    private const double TotalSeconds = 60;

    public static TheoryData<string> Targets => [.. AllTargets.Names];

    // SLUICE_FUZZ_SECONDS: for each target.
    private static TimeSpan Time => TimeSpan.FromSeconds(
        double.TryParse(Environment.GetEnvironmentVariable("SLUICE_FUZZ_SECONDS"), CultureInfo.InvariantCulture, out var seconds)
            ? seconds
            : TotalSeconds / AllTargets.Names.Count());

    [Theory]
    [MemberData(nameof(Targets))]
    public void Nothing_is_found(string name)
    {
        using var target = AllTargets.Create(name);
        foreach (var path in SavedCases.Of(name))
        {
            if (Shrinking.Attempt(target, Hex.Read(path), new Trace()) is { } error) Assert.Fail($"{path}: {error}");
        }

        var fuzzer = new Fuzzer(target, SavedCases.Seed);
        if (fuzzer.Run(Time) is { } finding) Assert.Fail(SavedCases.Report(finding));
        fuzzer.Iterations.ShouldBeGreaterThan(0);
        TestContext.Current.SendDiagnosticMessage($"{name}: {fuzzer.Iterations} inputs, {fuzzer.Kept} kept");
    }
}
