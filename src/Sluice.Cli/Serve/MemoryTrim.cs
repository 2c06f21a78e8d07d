using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sluice.Cli.Serve;

/// <summary>
/// Gives memory back once very many connections have come or gone, or the queues of slow readers. A process that has nothing to do
/// allocates nothing, so nothing makes the garbage collector run, and what was held would stay resident until it is needed again.
/// </summary>
internal sealed partial class MemoryTrim(ConnectionMetrics metrics, TimeProvider time, ILogger logger) : BackgroundService
{
    // Once after each such crowd has come or gone. Everything stands still meanwhile: some ten milliseconds with a small heap, more
    // with what very many connections hold.
    private const int Crowd = 1000;

    private const int QuietTicks = 3;

    // A process that allocates less in a tick, and runs for less of it, has nothing to do. One that is swollen and idle collects
    // now, and again a few times: the array pool lets go of what it has not lent for a minute.
    private const long IdleAllocation = 1 << 20;
    private const double IdleShare = 0.1;
    private const long Swollen = 128 << 20;
    private const int IdlePause = 30;
    private const int IdleAttempts = 4;

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
        long settled = 0; // open when it was collected last
        var used = TimeSpan.Zero;
        var quiet = 0;
        var floor = long.MaxValue;
        var allocated = 0L;
        var idle = 0;
        while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
        {
            var open = metrics.OpenConnections;
            peak = Math.Max(peak, open);
            quiet = Math.Abs(before - open) < Crowd / 10 ? quiet + 1 : 0;
            before = open;
            var resident = Environment.WorkingSet;
            floor = Math.Min(floor, resident);
            var total = GC.GetTotalAllocatedBytes();
            var cpu = Environment.CpuUsage.TotalTime;
            idle = total - allocated < IdleAllocation && cpu - used < Tick * IdleShare ? idle + 1 : 0;
            (allocated, used) = (total, cpu);
            var crowdGone = quiet >= QuietTicks && peak - open >= Crowd && open <= peak / 2;
            // What their handshakes have left lies between what stays.
            var crowdCame = Math.Min(quiet, idle) >= QuietTicks && open - settled >= Math.Max(Crowd, settled / 2);
            if (!crowdGone && !crowdCame && !(IsTimeToTry(idle) && resident > floor + Swollen)) continue;
            Collect();
            GC.WaitForPendingFinalizers(); // of sockets, whose buffers are free only then
            Collect();
            Trimmed(logger, open, resident >> 20, Environment.WorkingSet >> 20);
            peak = settled = open;
        }
    }

    private static bool IsTimeToTry(int idle)
        => idle >= QuietTicks && (idle - QuietTicks) % IdlePause == 0 && (idle - QuietTicks) / IdlePause < IdleAttempts;

    [LoggerMessage(30, LogLevel.Information, "with {Open} connections open, resident memory was {Before} MiB and is {After} MiB now")]
    private static partial void Trimmed(ILogger logger, long open, long before, long after);

    private static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
