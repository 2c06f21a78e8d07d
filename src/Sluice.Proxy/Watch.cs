namespace Sluice.Proxy;

/// <summary>A time-out that costs nothing until it is first needed.</summary>
internal sealed class Watch(ProxyOptions options, TimeSpan timeout, Action expired) : IDisposable
{
    private ITimer? _timer;

    public void Start()
    {
        if (Volatile.Read(ref _timer) is { } timer)
        {
            timer.Change(timeout, Timeout.InfiniteTimeSpan);
            return;
        }

        timer = options.TimeProvider.CreateTimer(static s => ((Action)s!)(), expired, timeout, Timeout.InfiniteTimeSpan);
        if (Interlocked.CompareExchange(ref _timer, timer, null) is not null) timer.Dispose();
    }

    public void Stop() => _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer?.Dispose();
}
