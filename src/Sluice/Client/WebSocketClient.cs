namespace Sluice;

/// <summary>Opens WebSockets to servers (RFC 6455 §4.1, RFC 8441), over <see cref="SocketsHttpHandler"/>. Thread-safe.</summary>
public static class WebSocketClient
{
    /// <summary>Connects to a server.</summary>
    /// <param name="url">A <c>ws</c>, <c>wss</c>, <c>http</c> or <c>https</c> URL without user name and fragment.</param>
    /// <param name="options">Subprotocols, headers, limits and times; <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Ends the attempt; has no effect on a connection that is open.</param>
    /// <returns>The open connection; dispose it.</returns>
    /// <exception cref="HandshakeException">The server could not be reached, took too long, or refused: it says which, and
    /// has status, headers and body of a refusal. Redirects are refusals, unless <see cref="WebSocketClientOptions.MaxRedirects"/> allows some.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ArgumentException">The URL or the options can't work.</exception>
    public static Task<WebSocketConnection> ConnectAsync(
        string url, WebSocketClientOptions? options = null, CancellationToken cancellationToken = default)
        => OpenAsync(ServerUrl.Parse(url), options, cancellationToken);

    /// <inheritdoc cref="ConnectAsync(string, WebSocketClientOptions, CancellationToken)"/>
    public static Task<WebSocketConnection> ConnectAsync(
        Uri url, WebSocketClientOptions? options = null, CancellationToken cancellationToken = default)
        => OpenAsync(ServerUrl.ToWebSocket(url), options, cancellationToken);

    /// <summary>A new handler with the settings of the library's own, for a caller who changes some and hands it to
    /// <see cref="WebSocketClientOptions.Handler"/>: no redirects, no cookies, no decompression, response headers of at most
    /// 32 KiB, no connection kept for later use. A proxy named by the environment is used.</summary>
    public static SocketsHttpHandler CreateHandler() => ClientHandler.Create(WebSocketClientOptions.Default);

    private static Task<WebSocketConnection> OpenAsync(Uri url, WebSocketClientOptions? options, CancellationToken cancellationToken)
    {
        options ??= WebSocketClientOptions.Default;
        ClientHandler.Check(options);
        return new ConnectAttempt(url, options).RunAsync(cancellationToken);
    }
}
