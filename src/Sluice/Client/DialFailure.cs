using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using Sluice.Handshake;

namespace Sluice;

/// <summary>Says in words why no answer came from a server.</summary>
internal sealed class DialFailure(Uri url, SocketsHttpHandler handler, WebSocketClientOptions options)
{
    private const string Advice
        = $"see that it is reachable, or allow a longer {nameof(WebSocketClientOptions.HandshakeTimeout)}";

    private readonly Uri? _proxy = FindProxy(url, handler);

    // Who was dialled: the error is about the proxy where there is one.
    private string Target => _proxy is null ? url.Authority : $"{_proxy.Authority} (the proxy)";

    /// <summary>The time was over.</summary>
    /// <param name="inner">What ended the attempt.</param>
    /// <param name="limit">The handshake's time; <see langword="null"/> when the handler's own for connecting was over.</param>
    public HandshakeException TimedOut(Exception inner, TimeSpan? limit)
    {
        var message = (limit, inner) switch
        {
            (null, _) => $"{Target} could not be connected to within {Seconds(handler.ConnectTimeout)}, the handler's ConnectTimeout",
            ({ } time, StillConnectingException) => $"the opening handshake with {url.Authority} could not begin within {Seconds(time)}, "
                + "as another one with the same host was under way "
                + $"(RFC 6455 §4.1, {nameof(options.OneHandshakePerHost)}); {Advice}",
            ({ } time, _) => $"{url.Authority} did not complete the opening handshake within {Seconds(time)}; {Advice}",
        };
        return new HandshakeException(ConnectFailure.Timeout, message, inner);
    }

    /// <summary>The attempt failed.</summary>
    public HandshakeException Explain(HttpRequestException error) => Kind(error) switch
    {
        HttpRequestError.NameResolutionError => NotResolved(error),
        HttpRequestError.ConnectionError => Socket(error),
        HttpRequestError.SecureConnectionError => Tls(error),
        HttpRequestError.ProxyTunnelError => New(
            ConnectFailure.Proxy,
            $"{Target} does not let the connection to {url.Authority} through: {Excerpt.Of(error.Message)}",
            error),
        HttpRequestError.VersionNegotiationError => NoHttp2(error),
        HttpRequestError.ExtendedConnectNotSupported => New(
            ConnectFailure.HttpVersion,
            $"{url.Authority} speaks HTTP/2, but takes no WebSocket over it (RFC 8441 §3); allow HTTP/1.1",
            error),
        HttpRequestError.HttpProtocolError => New(
            ConnectFailure.InvalidResponse,
            $"{url.Authority} did not keep to HTTP/2: {Excerpt.Of(Find<HttpProtocolException>(error)?.Message ?? error.Message)}",
            error),
        HttpRequestError.ResponseEnded => New(
            ConnectFailure.ConnectionLost,
            $"{url.Authority} closed the connection before it answered; is it an HTTP server, and does this port speak TLS?",
            error),
        HttpRequestError.InvalidResponse => New(
            ConnectFailure.InvalidResponse,
            $"{url.Authority} did not answer with HTTP: {Excerpt.Of(error.Message)}",
            error),
        HttpRequestError.ConfigurationLimitExceeded => New(
            ConnectFailure.InvalidResponse,
            $"{url.Authority} answered with more header than {HeaderLimit} of {handler.MaxResponseHeadersLength} KiB allows",
            error),
        _ => New(
            ConnectFailure.ConnectionLost,
            $"the connection to {url.Authority} broke before it answered: {Excerpt.Of(Find<IOException>(error)?.Message ?? error.Message)}",
            error),
    };

    private HandshakeException Tls(HttpRequestException error)
    {
        var authentication = Find<AuthenticationException>(error);
        var why = authentication?.GetBaseException().Message ?? Find<IOException>(error)?.Message ?? error.Message;
        // OpenSSL's and Schannel's words for the alert of RFC 7301 §3.2.
        if (authentication is not null && why.Contains("application protocol", StringComparison.OrdinalIgnoreCase)) return NoHttp2(error);
        return New(
            ConnectFailure.Tls,
            $"the TLS handshake with {url.Authority} failed: {Excerpt.Of(why)}; trust its certificate, or set which to trust in {TlsSettings}; a server without TLS is reached by ws://",
            error);
    }

    private HandshakeException NoHttp2(HttpRequestException error)
        => New(ConnectFailure.HttpVersion, $"{url.Authority} does not speak HTTP/2; allow HTTP/1.1", error);

    private string HeaderLimit
        => options.Handler is null ? nameof(options.MaxResponseHeaderSize) : $"the handler's {nameof(handler.MaxResponseHeadersLength)}";

    private string TlsSettings => options.Handler is null ? nameof(options.Tls) : $"the handler's {nameof(handler.SslOptions)}";

    private HandshakeException Socket(HttpRequestException error)
    {
        if (Find<ConnectTimeoutException>(error) is not null)
        {
            return New(
                Own(ConnectFailure.Timeout),
                $"{Target} could not be connected to within {Seconds(options.ConnectTimeout)}; see that it is reachable, "
                    + $"or allow a longer {nameof(options.ConnectTimeout)}",
                error);
        }
        var socket = Find<SocketException>(error);
        return socket?.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => New(
                Own(ConnectFailure.ConnectionRefused),
                $"nothing listens on {Target} (connection refused); start the server, or check the port",
                error),
            SocketError.TimedOut => New(
                Own(ConnectFailure.Timeout),
                $"{Target} did not answer (the system gave up connecting); check the address, and firewalls between",
                error),
            SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => NotResolved(error),
            _ => New(
                Own(ConnectFailure.Unreachable),
                $"{Target} can't be reached: {Excerpt.Of((socket as Exception ?? error).Message)}; check the address, and the network",
                error),
        };
    }

    private HandshakeException NotResolved(HttpRequestException error) => New(
        Own(ConnectFailure.NameNotResolved),
        $"the name of {Target} can't be resolved; check how it is spelt, and the DNS",
        error);

    // What the callback that dials has thrown says more than what the handler makes of it.
    private static HttpRequestError Kind(HttpRequestException error)
        => Find<HttpIOException>(error)?.HttpRequestError ?? error.HttpRequestError;

    private ConnectFailure Own(ConnectFailure failure) => _proxy is null ? failure : ConnectFailure.Proxy;

    private static HandshakeException New(ConnectFailure failure, string message, Exception inner)
        => new(failure, message, inner);

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    private static T? Find<T>(Exception? error) where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T found) return found;
        }
        return null;
    }

    /// <summary>The proxy that the handler uses for a URL; <see langword="null"/> for none.</summary>
    public static Uri? FindProxy(Uri url, SocketsHttpHandler handler)
    {
        if (!handler.UseProxy) return null;
        try
        {
            var proxy = handler.Proxy ?? HttpClient.DefaultProxy;
            return proxy.IsBypassed(url) ? null : proxy.GetProxy(url);
        }
        catch (Exception)
        {
            return null; // a proxy's rules are the caller's code; here they only choose the words
        }
    }
}
