using System.Net;
using System.Net.Sockets;

namespace Sluice;

/// <summary>
/// How the connections of one request are dialled: by which addresses, within which time. Where a connection belongs to
/// the request alone, giving the request up leaves no socket behind; <see cref="SocketsHttpHandler"/> would let a dial or
/// a TLS handshake go on for seconds after its caller has gone, and keep what comes of it.
/// </summary>
internal sealed class Dial : IDisposable
{
    private static readonly HttpRequestOptionsKey<Dial> Key = new("Sluice.Dial");

    private readonly WebSocketClientOptions _options;
    private readonly bool _isOwner;
    private readonly bool _once;
    private readonly CancellationTokenSource _givenUp = new();
    private readonly Lock _gate = new();
    private IReadOnlyList<IPAddress>? _addresses;
    private Socket? _socket;
    private bool _isClosed;
    private bool _hasDialled;

    /// <param name="request">The request to dial for.</param>
    /// <param name="options">Resolver, times and clock.</param>
    /// <param name="isOwner">Whether what is dialled belongs to the request alone. A pool could give it to somebody else's.</param>
    /// <param name="once">Whether an owner dials once: <see cref="SocketsHttpHandler"/> would dial a server that hung up
    /// without an answer three times more. Credentials may need a second dial, for the answer to a challenge.</param>
    public Dial(HttpRequestMessage request, WebSocketClientOptions options, bool isOwner, bool once)
    {
        _options = options;
        _isOwner = isOwner;
        _once = once;
        request.Options.Set(Key, this);
    }

    /// <summary>The handler's way to dial; see <see cref="SocketsHttpHandler.ConnectCallback"/>.</summary>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        // A handler of CreateHandler() may serve other requests than ours.
        var connecting = context.InitialRequestMessage.Options.TryGetValue(Key, out var dial)
            ? dial.ConnectAsync(context.DnsEndPoint, cancellationToken)
            : ConnectAsync(context.DnsEndPoint, WebSocketClientOptions.Default, addresses: null, cancellationToken);
        return new NetworkStream(await connecting.ConfigureAwait(false), ownsSocket: true);
    }

    /// <summary>Whether a handler dials by this class.</summary>
    public static bool Serves(SocketsHttpHandler handler)
        => handler.ConnectCallback == (Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>)ConnectAsync;

    /// <summary>Looks up, within the time to connect, what will be dialled: no other addresses will.</summary>
    /// <exception cref="HttpRequestException">There are none, as the handler would say it.</exception>
    public async Task<IReadOnlyList<IPAddress>> ResolveAsync(Uri url, CancellationToken cancellation)
    {
        try
        {
            return _addresses = await InTimeAsync(token => ResolveAsync(url.IdnHost, _options, token), _options, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new HttpRequestException(HttpRequestError.ConnectionError, e.Message, e);
        }
    }

    /// <summary>The attempt is over and came to nothing.</summary>
    public void Close()
    {
        if (!_isOwner) return;
        Socket? socket;
        lock (_gate)
        {
            _isClosed = true;
            socket = _socket;
        }
        _givenUp.Cancel();
        socket?.Dispose();
    }

    public void Dispose() => _givenUp.Dispose();

    private static Task<Socket> ConnectAsync(
        DnsEndPoint server, WebSocketClientOptions options, IReadOnlyList<IPAddress>? addresses, CancellationToken cancellation)
    {
        var time = options.Connection.TimeProvider;
        return InTimeAsync(
            async token =>
            {
                addresses ??= await ResolveAsync(server.Host, options, token).ConfigureAwait(false);
                return await new HappyEyeballs(addresses, server.Port, options.AddressDelay, time).ConnectAsync(token).ConfigureAwait(false);
            },
            options,
            cancellation);
    }

    private static async Task<T> InTimeAsync<T>(
        Func<CancellationToken, Task<T>> step, WebSocketClientOptions options, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, options.Connection.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            return await step(either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ConnectTimeoutException();
        }
    }

    private static async Task<IReadOnlyList<IPAddress>> ResolveAsync(string host, WebSocketClientOptions options, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var literal)) return [Plain(literal)];
        var resolved = options.Resolver is { } resolver
            ? await resolver(host, cancellation).ConfigureAwait(false)
            : await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);
        return [.. resolved.Select(Plain)];
    }

    // A socket for IPv6 alone can't reach an IPv4 address in IPv6's clothes.
    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private async Task<Socket> ConnectAsync(DnsEndPoint server, CancellationToken cancellation)
    {
        if (!_isOwner) return await ConnectAsync(server, _options, _addresses, cancellation).ConfigureAwait(false);
        CancellationToken givenUp;
        lock (_gate)
        {
            if (_isClosed) throw new OperationCanceledException("the attempt to connect was given up");
            if (_hasDialled && _once) throw new HttpIOException(HttpRequestError.ResponseEnded, "the server hung up");
            _hasDialled = true;
            givenUp = _givenUp.Token;
        }
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, givenUp);
        var socket = await ConnectAsync(server, _options, _addresses, either.Token).ConfigureAwait(false);
        lock (_gate)
        {
            if (!_isClosed)
            {
                _socket = socket; // one that stood here is closed by the handler, which asked for another
                return socket;
            }
        }
        socket.Dispose();
        throw new OperationCanceledException("the attempt to connect was given up");
    }
}

/// <summary>Nobody answered within <see cref="WebSocketClientOptions.ConnectTimeout"/>.</summary>
internal sealed class ConnectTimeoutException() : IOException("the time to connect was over");
