using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Sluice.Transport.Epoll;

/// <summary>The event loops, which all endpoints of a server share, and what connections have in common.</summary>
internal sealed class EpollTransport : IDisposable
{
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

    /// <summary>The loop with the fewest connections.</summary>
    public EventLoop Choose()
    {
        var best = _loops[0];
        foreach (var loop in _loops) if (loop.Load < best.Load) best = loop;
        return best;
    }

    public void Dispose()
    {
        foreach (var loop in _loops) loop.Dispose();
    }
}
