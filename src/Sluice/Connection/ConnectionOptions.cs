using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The limits and times of a connection. Immutable, so that one instance may serve many connections.</summary>
/// <remarks>Every default is finite. A size of 0 or less and a time of 0 or less are refused by the setters.</remarks>
public sealed record ConnectionOptions
{
    /// <summary>The options that hold when none are given.</summary>
    public static ConnectionOptions Default { get; } = new();

    /// <summary>The most bytes a received message may have, over all its fragments. Default 1 MiB. A larger one is answered
    /// with close code 1009 as soon as a frame's header announces it. More than <see cref="Array.MaxLength"/> bytes can only be
    /// received as a stream, whatever is set here.</summary>
    public long MaxMessageSize { get; init => field = Positive(value); } = 1024 * 1024;

    /// <summary>The most fragments a received message may have. Default 131,072. One more is answered with close code 1008.</summary>
    public int MaxFragments { get; init => field = (int)Positive(value); } = 128 * 1024;

    /// <summary>The most pings and pongs that a peer may send in a second, on an average of ten: ten times as many may come
    /// at once. Default 1,000. One more is answered with close code 1008.</summary>
    public int MaxControlFramesPerSecond { get; init => field = (int)Positive(value); } = 1000;

    /// <summary>How many bytes may wait for a peer that reads slowly, beside what the transport buffers. Default 16 MiB.
    /// A message that finds the queue empty is always taken.</summary>
    public int SendQueueLimit { get; init => field = (int)Positive(value); } = 16 * 1024 * 1024;

    /// <summary>How many messages, or fragments of a streamed one, may wait likewise. Default 262,144.</summary>
    public int SendQueueMessages { get; init => field = (int)Positive(value); } = 256 * 1024;

    /// <summary>How often a ping is sent. Default 30 s; <see cref="Timeout.InfiniteTimeSpan"/> for never.</summary>
    public TimeSpan KeepAliveInterval { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(30);

    /// <summary>How many pings in a row may stay without any sign of life before the peer counts as gone. Default 2.</summary>
    public int KeepAliveMisses { get; init => field = (int)Positive(value); } = 2;

    /// <summary>How long a connection may go without a message in either direction; pings do not count. Default: for ever.
    /// A connection that is idle for longer is closed with 1001.</summary>
    public TimeSpan IdleTimeout { get; init => field = PositiveOrInfinite(value); } = Timeout.InfiniteTimeSpan;

    internal bool EndsIdle
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] // asked for every message
        get => IdleTimeout != Timeout.InfiniteTimeSpan;
    }

    /// <summary>How long the closing handshake waits for the peer's close frame, a client for the server to close the
    /// transport, and the answer to a close frame for whoever holds the message before it to ask for the next. Default 5 s.</summary>
    public TimeSpan CloseTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection that failed reads on before it closes the transport, so that the close frame is not lost
    /// to a reset (RFC 6455 §7.1.1). Default 1 s.</summary>
    public TimeSpan LingerTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(1);

    /// <summary>How long the transport may refuse to take bytes, because the peer does not read, before the connection is
    /// aborted. Default 60 s.</summary>
    public TimeSpan SendTimeout { get; init => field = PositiveOrInfinite(value); } = TimeSpan.FromSeconds(60);

    /// <summary>Whether the code that handles messages runs on whatever thread the transport calls back on. Default false: a thread
    /// that is not the thread pool's, as an event loop's, has other connections to serve, and hands over to the pool, so that code
    /// which blocks or computes holds up nobody else. True makes no hop; for code that never blocks.</summary>
    public bool RunInline { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>What counts messages, bytes and closures. Default: one shared by the process.</summary>
    public ConnectionMetrics Metrics { get; init; } = ConnectionMetrics.Shared;

    private static long Positive(long value, [CallerMemberName] string name = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }

    private static TimeSpan PositiveOrInfinite(TimeSpan value, [CallerMemberName] string name = "")
    {
        if (value != Timeout.InfiniteTimeSpan) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);
        return value;
    }
}
