using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Sluice.Transport.Epoll;

/// <summary>The event loops, which all endpoints of a server share, and what connections have in common.</summary>
internal sealed class EpollTransport : IDisposable
{
    private const int Unevenness = 8; // an eighth more than the least is even enough

    private readonly EventLoop[] _loops;

    public EpollTransport(EpollTransportOptions options, ILogger logger, MemoryPool<byte> memoryPool, TimeProvider time)
    {
        Options = options;
        Logger = logger;
        MemoryPool = memoryPool;
        Time = time;
        _loops = new EventLoop[options.LoopCount];
        var trust = new InlineTrust(time);
        for (var i = 0; i < _loops.Length; i++) _loops[i] = new EventLoop($"Sluice epoll {i}", options.ReadBufferSize, trust);
    }

    public EpollTransportOptions Options { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    public MemoryPool<byte> MemoryPool { get; }

    public long MaxWriteBufferSize => Options.MaxWriteBufferSize ?? long.MaxValue;

    public long MaxReadBufferSize => Options.MaxReadBufferSize ?? long.MaxValue;

    public int LoopCount => _loops.Length;

    /// <summary>So many loops, those with the fewest connections first.</summary>
    public EventLoop[] LeastLoaded(int count) => [.. _loops.OrderBy(loop => loop.Load).Take(count)];

    /// <summary>The loop for a connection: the one whose queue it came by, unless another has clearly fewer. The kernel spreads
    /// them by chance, and some live longer than others.</summary>
    public EventLoop Choose(EventLoop home)
    {
        var least = home;
        foreach (var loop in _loops) if (loop.Load < least.Load) least = loop;
        return home.Load <= least.Load + (least.Load / Unevenness) ? home : least;
    }

    public void Dispose()
    {
        foreach (var loop in _loops) loop.Dispose();
    }
}
