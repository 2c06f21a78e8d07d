using System.Net;
using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>Which handler sends a request: the caller's, or one that does as the options say.</summary>
internal static class ClientHandler
{
    private const int KiB = 1024;

    private static readonly SocketsHttpHandler Shared = Create(WebSocketClientOptions.Default);

    // Handlers keep no connection, so that those of options that are gone need no disposal.
    private static readonly ConditionalWeakTable<WebSocketClientOptions, SocketsHttpHandler> Tailored = [];

    public static SocketsHttpHandler Create(WebSocketClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false, // a container shared by the process would send one caller's cookies for another
            ConnectTimeout = TimeSpan.FromSeconds(60), // a net under the handshake's own time
            MaxResponseHeadersLength = ((options.MaxResponseHeaderSize - 1) / KiB) + 1,
            MaxResponseDrainSize = 0, // a refused connection is not used again
            PooledConnectionLifetime = TimeSpan.Zero, // a connection belongs to one WebSocket
            ConnectCallback = Dial.ConnectAsync,
            Proxy = options.Proxy,
        };
        if (options.Tls is { } tls) handler.SslOptions = tls;
        return handler;
    }

    /// <summary>The handler for a request.</summary>
    /// <param name="options">What the caller wants.</param>
    /// <param name="version">The HTTP version of the request.</param>
    /// <param name="isOwned">Whether it is for this request alone, and to be disposed with what comes of it: that is how an
    /// HTTP/2 connection is closed in order.</param>
    public static SocketsHttpHandler Get(WebSocketClientOptions options, Version version, out bool isOwned)
    {
        isOwned = false;
        if (options.Handler is { } handler) return handler;
        isOwned = version.Major > 1;
        if (isOwned)
        {
            handler = Create(options);
            handler.PooledConnectionLifetime = Timeout.InfiniteTimeSpan; // or it would not know the connection when it is disposed
            return handler;
        }
        var isTailored = options.Proxy is not null || options.Tls is not null
            || options.MaxResponseHeaderSize != WebSocketClientOptions.DefaultMaxResponseHeaderSize;
        return isTailored ? Tailored.GetValue(options, Create) : Shared;
    }

    /// <summary>Refuses options that contradict each other, or their handler.</summary>
    /// <exception cref="ArgumentException">They do.</exception>
    public static void Check(WebSocketClientOptions options)
    {
        if (options.Authorization is not null && options.Headers.Any(static header => IsAuthorization(header.Key)))
        {
            throw new ArgumentException("there are an Authorization and a header of that name; leave out one of them", nameof(options));
        }
        if (options.Handler is not { } handler) return;
        if (handler.AllowAutoRedirect)
        {
            // It would take the caller's headers to wherever a server points.
            throw Wrong("follows redirects; set its AllowAutoRedirect to false, "
                + $"or begin with {nameof(WebSocketClient)}.{nameof(WebSocketClient.CreateHandler)}()", options);
        }
        if (options.Proxy is not null) throw Wrong("has a proxy setting of its own; set its Proxy instead of the options'", options);
        if (options.Tls is not null) throw Wrong("has TLS settings of its own; set its SslOptions instead of the options' Tls", options);
        if (options.MaxResponseHeaderSize != WebSocketClientOptions.DefaultMaxResponseHeaderSize)
        {
            throw Wrong("has a limit of its own; set its MaxResponseHeadersLength instead of the options' MaxResponseHeaderSize", options);
        }
        if (options.HttpVersion.Major > 1 && handler.PooledConnectionLifetime == TimeSpan.Zero)
        {
            throw Wrong("keeps no connections, but an HTTP/2 connection is its own to keep and close; "
                + "set its PooledConnectionLifetime above zero, or leave the handler out", options);
        }
    }

    private static bool IsAuthorization(string name) => string.Equals(name, "Authorization", StringComparison.OrdinalIgnoreCase);

    private static ArgumentException Wrong(string what, WebSocketClientOptions options) => new("the handler " + what, nameof(options));
}
