namespace Sluice.Proxy.Tests.Support;

/// <summary>A clock that moves when the test says so.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp()
    {
        lock (_lock) return _now;
    }

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddTicks(GetTimestamp());

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        lock (_lock) _timers.Add(timer);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock, and runs what has become due.</summary>
    public void Advance(TimeSpan by)
    {
        ManualTimer[] due;
        lock (_lock)
        {
            _now += by.Ticks;
            due = [.. _timers.Where(t => t.Due <= _now)];
            foreach (var timer in due) timer.Due = null;
        }

        foreach (var timer in due) timer.Fire();
    }

    /// <summary>Waits until a timer runs that is due within the time.</summary>
    public Task WaitForTimerAsync(TimeSpan within) => WaitAsync(() => _timers.Exists(t => t.Due <= _now + within.Ticks));

    /// <summary>Waits until a timer was started for just this time.</summary>
    public Task WaitForStartAsync(TimeSpan time) => WaitAsync(() => _timers.Exists(t => t.Due == _now + time.Ticks));

    /// <summary>Waits until no timer runs.</summary>
    public Task WaitForNoTimerAsync() => WaitAsync(() => _timers.TrueForAll(t => t.Due is null));

    private async Task WaitAsync(Func<bool> reached)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (reached()) return;
                changed = _changed.Task;
            }

            await changed.Guarded();
        }
    }

    private sealed class ManualTimer(ManualTime time, Action fire) : ITimer
    {
        public long? Due { get; set; }

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : time._now + dueTime.Ticks;
                time._changed.SetResult();
                time._changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return true;
        }

        public void Dispose()
        {
            lock (time._lock)
            {
                time._timers.Remove(this);
                time._changed.SetResult();
                time._changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
