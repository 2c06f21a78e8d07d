namespace Sluice.Transport.Epoll;

/// <summary>How the transport works. Read when the server starts.</summary>
public sealed class EpollTransportOptions
{
    /// <summary>How many event loops, each with a thread of its own. Default: one a processor that the process may use.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int LoopCount
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = Environment.ProcessorCount;

    /// <summary>How many connections may wait to be accepted, for each loop. Default 512; the kernel's <c>net.core.somaxconn</c> bounds it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1.</exception>
    public int Backlog
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 512;

    /// <summary>Whether small writes leave at once (TCP_NODELAY). Default true. Not for Unix domain sockets.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>After how long a silence TCP asks whether the peer is still there; without an answer to three questions, a third of
    /// that time apart, the connection ends. Whole seconds. Default: never (<see cref="Timeout.InfiniteTimeSpan"/>), as a
    /// WebSocket's pings tell the same; for connections that have none, as a proxy's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 3 seconds, or more than 32,767.</exception>
    public TimeSpan KeepAliveTime
    {
        get;
        set
        {
            if (value != Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromSeconds(3));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromSeconds(short.MaxValue)); // the kernel's own bound
            }
            field = value;
        }
    } = Timeout.InfiniteTimeSpan;

    /// <summary>The memory that one read fills, in bytes; a connection that fills it reads eight times as much next. Default
    /// 16 KiB. A connection holds it only while it has bytes that are not consumed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than 1 KiB or more than 16 MiB.</exception>
    public int ReadBufferSize
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1024);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 16 * 1024 * 1024);
            field = value;
        }
    } = 16 * 1024;

    /// <summary>How many bytes may lie in the kernel, unread, before the end of a connection that nobody reads goes unnoticed, in
    /// bytes. Default 1 MiB; <see langword="null"/> for no bound. The transport itself never reads ahead of its consumer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? MaxReadBufferSize
    {
        get;
        set
        {
            if (value is { } size) ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(value));
            field = value;
        }
    } = 1024 * 1024;

    /// <summary>How many bytes may wait for a peer that does not read before a flush waits too, until less than half is left.
    /// Default 64 KiB; 0 makes each flush wait for the kernel; <see langword="null"/> for no bound.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Negative.</exception>
    public long? MaxWriteBufferSize
    {
        get;
        set
        {
            if (value is { } size) ArgumentOutOfRangeException.ThrowIfNegative(size, nameof(value));
            field = value;
        }
    } = 64 * 1024;

    /// <summary>Where the code that waits for a connection goes on. Default: on the loop's thread, unless it blocks.
    /// <see cref="IContinuationSchedulingFeature"/> changes it for one connection.</summary>
    public ContinuationScheduling Scheduling { get; set; } = ContinuationScheduling.Adaptive;

    /// <summary>Whether what is flushed while a continuation runs leaves when it returns or waits, in one write. Default true. Code
    /// that flushes and then keeps its thread busy delays its bytes by at most 10 milliseconds.</summary>
    public bool BatchWrites { get; set; } = true;
}
