namespace Sluice;

/// <summary>
/// The event style: set what shall happen, then connect. Callbacks come one at a time, in the order of what they tell;
/// the next waits until the task of the one before is done. They run on the receive loop, so they should not block.
/// </summary>
/// <remarks>
/// An exception in a callback closes the connection with 1011; <see cref="OnDisconnected"/> gets it as
/// <see cref="CloseResult.Error"/>, and <see cref="Completion"/> fails with it. Set the callbacks before connecting.
/// Sending and closing may be called from any thread, also from callbacks; awaiting <see cref="DisposeAsync"/> in a
/// callback would wait for the callback itself.
/// </remarks>
/// <param name="url">As for <see cref="WebSocketClient.ConnectAsync(string, WebSocketClientOptions, CancellationToken)"/>.</param>
/// <param name="options">As for <see cref="WebSocketClient.ConnectAsync(string, WebSocketClientOptions, CancellationToken)"/>.</param>
/// <exception cref="ArgumentException">The URL can't name a WebSocket.</exception>
public sealed class WebSocketEventClient(string url, WebSocketClientOptions? options = null) : IAsyncDisposable
{
    private readonly Uri _url = ServerUrl.Parse(url);
    private readonly CancellationTokenSource _disposed = new();
    private int _busy; // connecting, or connected
    private volatile WebSocketConnection? _connection;
    private volatile Task<CloseResult>? _completion;

    /// <summary>The connection is open.</summary>
    public Func<ValueTask>? OnConnected { get; set; }

    /// <summary>Connecting failed. Without this callback, <see cref="ConnectAsync"/> throws instead.</summary>
    public Func<HandshakeException, ValueTask>? OnConnectError { get; set; }

    /// <summary>A text message came.</summary>
    public Func<string, ValueTask>? OnTextMessage { get; set; }

    /// <summary>A binary message came. The memory is good until the returned task is done.</summary>
    public Func<ReadOnlyMemory<byte>, ValueTask>? OnBinaryMessage { get; set; }

    /// <summary>A ping came, with at most 125 bytes, and was answered.</summary>
    public Action<byte[]>? OnPing { get; set; }

    /// <summary>A pong came, with at most 125 bytes, asked for or not.</summary>
    public Action<byte[]>? OnPong { get; set; }

    /// <summary>The connection has ended, and how. The last callback of a connection.</summary>
    public Func<CloseResult, ValueTask>? OnDisconnected { get; set; }

    /// <summary>The connection, also after its end; <see langword="null"/> before the first.</summary>
    public WebSocketConnection? Connection => _connection;

    /// <summary>Done after <see cref="OnDisconnected"/>, with how the connection ended; fails with what a callback threw.
    /// <see langword="null"/> before the first connection.</summary>
    public Task<CloseResult>? Completion => _completion;

    /// <summary>Connects; after a disconnection, again.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>Whether it is connected; when not, <see cref="OnConnectError"/> was called.</returns>
    /// <exception cref="HandshakeException">Connecting failed, and there is no <see cref="OnConnectError"/>.</exception>
    /// <exception cref="InvalidOperationException">It is connecting or connected already.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, or the client disposed meanwhile.</exception>
    public async Task<bool> ConnectAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            throw new InvalidOperationException("the client is connecting or connected; close it first, or take another");
        }
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
            var connection = await WebSocketClient.ConnectAsync(_url, options, either.Token).ConfigureAwait(false);
            _connection = connection;
            _completion = RunAsync(connection);
            if (_disposed.IsCancellationRequested) await connection.DisposeAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception e)
        {
            Volatile.Write(ref _busy, 0);
            if (e is not HandshakeException error || OnConnectError is not { } told) throw;
            await told(error).ConfigureAwait(false);
            return false;
        }
    }

    /// <summary>Sends a text message.</summary>
    /// <exception cref="InvalidOperationException">It was never connected.</exception>
    /// <inheritdoc cref="WebSocketConnection.SendAsync(string, CancellationToken)"/>
    public ValueTask SendAsync(string text, CancellationToken cancellationToken = default)
        => Connected.SendAsync(text, cancellationToken);

    /// <summary>Sends a binary message.</summary>
    /// <exception cref="InvalidOperationException">It was never connected.</exception>
    /// <inheritdoc cref="WebSocketConnection.SendAsync(ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
        => Connected.SendAsync(payload, cancellationToken);

    /// <summary>Closes the connection.</summary>
    /// <exception cref="InvalidOperationException">It was never connected.</exception>
    /// <inheritdoc cref="WebSocketConnection.CloseAsync"/>
    public Task<CloseResult> CloseAsync(
        CloseCode code = CloseCode.NormalClosure, string reason = "", CancellationToken cancellationToken = default)
        => Connected.CloseAsync(code, reason, cancellationToken);

    /// <summary>Ends an attempt to connect, or closes the connection with 1000 and waits until it is released.</summary>
    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync().ConfigureAwait(false);
        if (_connection is { } connection) await connection.DisposeAsync().ConfigureAwait(false);
    }

    private WebSocketConnection Connected
        => _connection ?? throw new InvalidOperationException($"there is no connection yet; await {nameof(ConnectAsync)} first");

    private async Task<CloseResult> RunAsync(WebSocketConnection connection)
    {
        var handler = new Handler(this);
        try
        {
            return await connection.RunAsync(handler).ConfigureAwait(false);
        }
        finally
        {
            try
            {
                await handler.Disconnected.ConfigureAwait(false);
            }
            finally
            {
                Volatile.Write(ref _busy, 0);
            }
        }
    }

    private sealed class Handler(WebSocketEventClient client) : IWebSocketHandler
    {
        /// <summary>Done when <see cref="OnDisconnected"/> is.</summary>
        public Task Disconnected { get; private set; } = Task.CompletedTask;

        public ValueTask OnOpenAsync(WebSocketConnection connection) => client.OnConnected?.Invoke() ?? default;

        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => type == MessageType.Text
                ? client.OnTextMessage?.Invoke(System.Text.Encoding.UTF8.GetString(payload.Span)) ?? default
                : client.OnBinaryMessage?.Invoke(payload) ?? default;

        public void OnPing(WebSocketConnection connection, ReadOnlySpan<byte> payload) => client.OnPing?.Invoke(payload.ToArray());

        public void OnPong(WebSocketConnection connection, ReadOnlySpan<byte> payload) => client.OnPong?.Invoke(payload.ToArray());

        public void OnClose(WebSocketConnection connection, CloseResult result)
            => Disconnected = client.OnDisconnected?.Invoke(result).AsTask() ?? Task.CompletedTask;
    }
}
