using System.Net.Sockets;

namespace Sluice;

/// <summary>
/// The socket of one attempt to connect, so that an attempt that fails or is given up leaves none behind.
/// <see cref="SocketsHttpHandler"/> alone would let a dial or a TLS handshake go on for seconds after its caller has
/// gone, and keep what comes of it.
/// </summary>
/// <param name="once">Whether one dial is all: <see cref="SocketsHttpHandler"/> would dial a server that hung up without an
/// answer three times more. Credentials may need a second dial, for the answer to a challenge.</param>
internal sealed class DialledSocket(bool once)
{
    private static readonly HttpRequestOptionsKey<DialledSocket> Key = new("Sluice.DialledSocket");

    private readonly Lock _gate = new();
    private Socket? _socket;
    private bool _closed;

    /// <summary>The handler's way to dial; see <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (context.InitialRequestMessage.Options.TryGetValue(Key, out var attempt)) attempt.Take(socket);
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes a request's socket be known here, when the handler dials by <see cref="ConnectAsync"/> and keeps no
    /// connection: a pool could give the socket to the request of somebody else.</summary>
    public void Follow(HttpRequestMessage request, SocketsHttpHandler handler)
    {
        if (handler.PooledConnectionLifetime == TimeSpan.Zero) request.Options.Set(Key, this);
    }

    /// <summary>The attempt is over and came to nothing.</summary>
    public void Close()
    {
        Socket? socket;
        lock (_gate)
        {
            _closed = true;
            socket = _socket;
        }
        socket?.Dispose();
    }

    private void Take(Socket socket)
    {
        lock (_gate)
        {
            if (_closed) throw new OperationCanceledException("the attempt to connect was given up");
            if (_socket is not null && once) throw new HttpIOException(HttpRequestError.ResponseEnded, "the server hung up");
            _socket = socket; // one that stood here is closed by the handler, which asked for another
        }
    }
}
