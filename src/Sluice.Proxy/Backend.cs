using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace Sluice.Proxy;

/// <summary>
/// The one server behind the proxy: its URL in parts, and the way to a connection. TLS is done here, not by
/// <see cref="SocketsHttpHandler"/>, which would take the name for SNI and for the certificate from the
/// <c>Host</c> field, that is from the client, and would keep a connection pool for each.
/// </summary>
internal sealed class Backend
{
    // A dead peer is found after 15 s + 3 probes of 5 s.
    private const int KeepAliveSeconds = 15;
    private const int KeepAliveProbeSeconds = 5;
    private const int KeepAliveProbes = 3;

    private readonly ProxyOptions _options;
    private readonly Func<string, Encoding?> _requestHeaders;
    private readonly Func<string, Encoding?> _responseHeaders;
    private readonly string _host;
    private readonly int _port;
    private readonly bool _tls;
    private readonly string _origin;
    private readonly string _path;
    private readonly string _query;

    /// <summary>Takes the URL apart.</summary>
    /// <param name="url">Where the backend is, checked by <see cref="BackendUrl"/>.</param>
    /// <param name="options">A validated copy.</param>
    /// <param name="requestHeaders">How the server decoded a request header of this name; <see langword="null"/> for UTF-8.</param>
    /// <param name="responseHeaders">How the server will encode a response header of this name; <see langword="null"/> for Latin-1.</param>
    public Backend(Uri url, ProxyOptions options, Func<string, Encoding?> requestHeaders, Func<string, Encoding?> responseHeaders)
    {
        _options = options;
        _requestHeaders = requestHeaders;
        _responseHeaders = responseHeaders;
        _host = url.IdnHost;
        _port = url.Port;
        _tls = url.Scheme == Uri.UriSchemeHttps;
        var host = url.HostNameType == UriHostNameType.IPv6 ? $"[{_host}]" : _host;
        Authority = url.IsDefaultPort ? host : $"{host}:{_port}";
        _origin = $"http://{host}:{_port}"; // http also in front of TLS: see the class
        _path = url.AbsolutePath;
        _query = url.Query;
    }

    /// <summary>Host and, where it is not the scheme's default, port: the backend's own <c>Host</c>.</summary>
    public string Authority { get; }

    /// <summary>The URL of a request, its path and query exactly as given, but for the backend's own in front.</summary>
    public Uri UrlOf(string path, string query) =>
        new(_origin + RequestTarget.Join(_path, _query, path, query), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    /// <summary>A handler that forwards and does nothing else: no redirect, cookie, proxy, decompression, trace header.</summary>
    /// <param name="onConnected">Called with each new connection.</param>
    public SocketsHttpHandler CreateHandler(Action<BackendConnection>? onConnected = null) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = Timeout.InfiniteTimeSpan, // ConnectAsync has its own, on our clock
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // so that a change in DNS is noticed
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        MaxResponseHeadersLength = 64, // KiB
        MaxResponseDrainSize = 0, // a response that nobody wants ends its connection at once
        RequestHeaderEncodingSelector = (name, _) => _requestHeaders(name) ?? Encoding.UTF8,
        ResponseHeaderEncodingSelector = (name, _) => _responseHeaders(name) ?? Encoding.Latin1,
        ConnectCallback = async (_, cancellationToken) =>
        {
            var connection = await ConnectAsync(cancellationToken).ConfigureAwait(false);
            onConnected?.Invoke(connection);
            return connection;
        },
    };

    private async ValueTask<BackendConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(_host, _port, linked.Token).ConfigureAwait(false);
            FindDeadPeers(socket);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (_tls) stream = await AuthenticateAsync(stream, linked.Token).ConfigureAwait(false);
            return new BackendConnection(socket, stream);
        }
        catch (Exception e)
        {
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
            socket.Dispose();
            throw e switch
            {
                OperationCanceledException when timeout.IsCancellationRequested =>
                    new BackendConnectException(FailureReason.ConnectTimeout, $"no connection within {_options.ConnectTimeout}", e),
                SocketException socketError => BackendConnectException.From(socketError),
                AuthenticationException or IOException => new BackendConnectException(FailureReason.Tls, e.Message, e),
                _ => e,
            };
        }
    }

    /// <summary>Has TCP ask a silent peer whether it is still there.</summary>
    internal static void FindDeadPeers(Socket socket)
    {
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveProbeSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
    }

    private async Task<SslStream> AuthenticateAsync(Stream inner, CancellationToken cancellationToken)
    {
        var tls = new SslStream(inner);
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = _host,
                    ApplicationProtocols = [SslApplicationProtocol.Http11],
#pragma warning disable CA5359 // Only where ProxyOptions.InsecureBackend asks for it.
                    RemoteCertificateValidationCallback = _options.InsecureBackend ? (_, _, _, _) => true : null,
#pragma warning restore CA5359
                },
                cancellationToken).ConfigureAwait(false);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
