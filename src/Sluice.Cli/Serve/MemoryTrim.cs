using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sluice.Cli.Serve;

/// <summary>
/// Gives memory back once very many connections have gone. A process that has nothing to do allocates nothing, so nothing
/// makes the garbage collector run, and what thousands of connections held would stay resident until the next thousands come.
/// </summary>
internal sealed partial class MemoryTrim(ConnectionMetrics metrics, TimeProvider time, ILogger logger) : BackgroundService
{
    // A collection of a small heap, once after each such crowd: some ten milliseconds.
    private const int Crowd = 1000;

    private const int QuietTicks = 3;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await WatchAsync(stoppingToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The end; a host whose start failed would take it for a fault.
        }
    }

    private async Task WatchAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(Tick, time);
        long peak = 0;
        long before = 0;
        var quiet = 0;
        while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
        {
            var open = metrics.OpenConnections;
            peak = Math.Max(peak, open);
            quiet = Math.Abs(before - open) < Crowd / 10 ? quiet + 1 : 0;
            before = open;
            if (quiet < QuietTicks || peak - open < Crowd || open > peak / 2) continue;
            var resident = Environment.WorkingSet;
            Collect();
            GC.WaitForPendingFinalizers(); // of sockets, whose buffers are free only then
            Collect();
            Trimmed(logger, peak - open, resident >> 20, Environment.WorkingSet >> 20);
            peak = open;
        }
    }

    [LoggerMessage(30, LogLevel.Information, "{Count} connections have gone; resident memory was {Before} MiB and is {After} MiB now")]
    private static partial void Trimmed(ILogger logger, long count, long before, long after);

    private static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
