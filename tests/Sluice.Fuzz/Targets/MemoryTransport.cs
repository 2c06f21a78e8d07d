using System.IO.Pipelines;

namespace Sluice.Fuzz.Targets;

/// <summary>A connection's transport, made of two pipe ends.</summary>
internal sealed record MemoryTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

/// <summary>A clock that stands still and fires no timer: whatever ends, ends without a time-out.</summary>
internal sealed class StoppedClock : TimeProvider
{
    public static StoppedClock Instance { get; } = new();

    public override long GetTimestamp() => 0;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => NoTimer.Instance;

    private sealed class NoTimer : ITimer
    {
        public static NoTimer Instance { get; } = new();

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
