using System.Net;

namespace Sluice;

/// <summary>Opens WebSockets to servers (RFC 6455 §4.1), over <see cref="SocketsHttpHandler"/>. Thread-safe.</summary>
public static class WebSocketClient
{
    private static readonly SocketsHttpHandler SharedHandler = CreateHandler();

    /// <summary>Connects to a server.</summary>
    /// <param name="url">A <c>ws</c>, <c>wss</c>, <c>http</c> or <c>https</c> URL without user name and fragment.</param>
    /// <param name="options">Subprotocols, headers, limits and times; <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt; has no effect on a connection that is open.</param>
    /// <returns>The open connection; dispose it.</returns>
    /// <exception cref="HandshakeException">The server could not be reached, took too long, or refused: it says which, and
    /// has status, headers and body of a refusal. Redirects are refusals.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ArgumentException">The URL or the options can't work.</exception>
    public static Task<WebSocketConnection> ConnectAsync(
        string url, WebSocketClientOptions? options = null, CancellationToken cancellationToken = default)
        => OpenAsync(ServerUrl.Parse(url), options, cancellationToken);

    /// <inheritdoc cref="ConnectAsync(string, WebSocketClientOptions, CancellationToken)"/>
    public static Task<WebSocketConnection> ConnectAsync(
        Uri url, WebSocketClientOptions? options = null, CancellationToken cancellationToken = default)
        => OpenAsync(ServerUrl.ToWebSocket(url), options, cancellationToken);

    /// <summary>A new handler with the settings of the shared one, for a caller who changes some and hands it to
    /// <see cref="WebSocketClientOptions.Handler"/>: no redirects, no cookies, no decompression, response headers of at most
    /// 32 KiB, no connection kept for later use. A proxy named by the environment is used.</summary>
    public static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false, // a container shared by the process would send one caller's cookies for another
        ConnectTimeout = TimeSpan.FromSeconds(60), // a net under the handshake's own time
        MaxResponseHeadersLength = 32,
        MaxResponseDrainSize = 0, // a refused connection is not used again
        PooledConnectionLifetime = TimeSpan.Zero, // a connection belongs to one WebSocket
        ConnectCallback = DialledSocket.ConnectAsync,
    };

    private static Task<WebSocketConnection> OpenAsync(Uri url, WebSocketClientOptions? options, CancellationToken cancellationToken)
    {
        options ??= WebSocketClientOptions.Default;
        var handler = options.Handler ?? SharedHandler;
        if (handler.AllowAutoRedirect)
        {
            // It would take the caller's headers to wherever a server points.
            throw new ArgumentException(
                "the handler follows redirects; set its AllowAutoRedirect to false, "
                    + $"or begin with {nameof(WebSocketClient)}.{nameof(CreateHandler)}()",
                nameof(options));
        }
        return new OpeningHandshake(url, options, handler).RunAsync(cancellationToken);
    }
}
