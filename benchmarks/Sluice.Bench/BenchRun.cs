using System.Diagnostics;
using System.Globalization;
using Sluice.Bench.Machine;
using Sluice.Bench.Measuring;
using Sluice.Bench.Processes;
using Sluice.Bench.Reporting;

namespace Sluice.Bench;

/// <summary>A run from beginning to end.</summary>
internal static class BenchRun
{
    public static async Task<int> RunAsync(BenchRequest request, CancellationToken cancellation)
    {
        if (request.List) return List(request);
        var directory = Directory.CreateTempSubdirectory("sluice-bench-").FullName;
        var clock = Stopwatch.StartNew();
        try
        {
            var cores = Cores.OfThisProcess();
            var facts = Facts.Gather();
            // This process must not disturb the server; what it starts chooses a core of its own.
            using (var self = Process.GetCurrentProcess()) self.ProcessorAffinity = (nint)(1L << cores.Load);
            var run = new Run(request.Settings, cores, Certificate.Create(directory), directory, line => Tell(clock, line));
            foreach (var scenario in request.Scenarios) await run.MeasureAsync(scenario, request.Peers, cancellation);
            var tables = request.Scenarios.Select(scenario => Table.Of(scenario, request.Peers, run.Samples, run.Absences)).ToList();
            new Report(facts, cores, request.Settings, request.Command, tables).WriteTo(request.Out);
            Tell(clock, $"wrote {Path.Combine(Path.GetRelativePath(Environment.CurrentDirectory, request.Out), "benchmarks.md")}");
            if (request.Json is { } json) ResultFile.Write(json, facts, request.Settings, run.Samples, run.Absences);
            return run.Absences.Exists(absence => absence.Reason.StartsWith("failed", StringComparison.Ordinal)) ? 1 : 0;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("bench: stopped; nothing was written");
            return 130;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static int List(BenchRequest request)
    {
        Console.WriteLine("Scenarios (family, name, what):");
        foreach (var scenario in request.Scenarios) Console.WriteLine($"  {scenario.Family,-11} {scenario.Id,-24} {scenario.Title}");
        Console.WriteLine("Peers:");
        foreach (var peer in request.Peers) Console.WriteLine($"  {peer.Id,-20} {peer.Title}");
        return 0;
    }

    private static void Tell(Stopwatch clock, string line) =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bench {clock.Elapsed:mm\\:ss} {line}"));
}
