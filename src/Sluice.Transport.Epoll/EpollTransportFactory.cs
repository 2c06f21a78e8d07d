using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Sluice.Transport.Epoll;

/// <summary>Binds Kestrel's endpoints, where it can; what it cannot, Kestrel offers to the default transport.</summary>
internal sealed class EpollTransportFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private const int KeepAliveProbes = 3;

    private readonly Lock _gate = new();
    private readonly EpollTransportOptions _options;
    private readonly ILogger _logger;
    private readonly MemoryPool<byte> _memoryPool;
    private EpollTransport? _transport;
    private bool _disposed;

    public EpollTransportFactory(IOptions<EpollTransportOptions> options, ILoggerFactory loggers, IServiceProvider services)
    {
        _options = options.Value;
        _logger = loggers.CreateLogger("Sluice.Transport.Epoll");
        _memoryPool = services.GetService<IMemoryPoolFactory<byte>>()?.Create() ?? MemoryPool<byte>.Shared;
    }

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var transport = Start();
        var sockets = new List<Socket>();
        try
        {
            Listen(endpoint, sockets, endpoint is IPEndPoint ? transport.LoopCount : 1);
            return new ValueTask<IConnectionListener>(new EpollListener(transport, sockets));
        }
        catch (Exception e)
        {
            foreach (var socket in sockets) socket.Dispose();
            if (e is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }) throw new AddressInUseException(e.Message, e);
            throw;
        }
    }

    public void Dispose()
    {
        EpollTransport? transport;
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            transport = _transport;
        }
        transport?.Dispose();
        _memoryPool.Dispose();
    }

    private EpollTransport Start()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _transport ??= new EpollTransport(_options, _logger, _memoryPool, TimeProvider.System);
        }
    }

    // The first binds alone, so that a port which another server has is an error; from then on it shares with the others. Who
    // wants to join it from outside must ask for that too, and be the same user.
    private void Listen(EndPoint endpoint, List<Socket> sockets, int count)
    {
        while (sockets.Count < count)
        {
            var socket = Open(endpoint);
            sockets.Add(socket);
            if (sockets.Count > 1) Share(socket);
            socket.Bind(endpoint);
            if (sockets.Count == 1 && count > 1) Share(socket);
            socket.Listen(_options.Backlog);
            endpoint = socket.LocalEndPoint!; // that of the first, for the others: with its port
        }
    }

    private static void Share(Socket socket) => socket.SetRawSocketOption(Libc.SocketLevel, Libc.SocketReusePort, BitConverter.GetBytes(1));

    private Socket Open(EndPoint endpoint)
    {
        if (endpoint is not IPEndPoint ip) return new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = _options.NoDelay };
        // Kestrel's "any address" means both families.
        if (ip.Address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
        if (_options.KeepAliveTime != Timeout.InfiniteTimeSpan) KeepAlive(socket, (int)_options.KeepAliveTime.TotalSeconds);
        return socket;
    }

    // Connections have it from their listener.
    private static void KeepAlive(Socket socket, int seconds)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, seconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, seconds / KeepAliveProbes);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
    }
}
