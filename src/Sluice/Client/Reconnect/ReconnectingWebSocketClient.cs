namespace Sluice;

/// <summary>
/// The event style for a connection that shall last: when it is lost, the client connects again, after waits that grow.
/// Set what shall happen, then connect. Callbacks come one at a time, in the order of what they tell; the next waits until
/// the task of the one before is done.
/// </summary>
/// <remarks>
/// No message is sent twice. One that waits for a connection was in nobody's hands yet, and is sent over the next; one that
/// was being handed over when the connection ended throws <see cref="DeliveryUnknownException"/>; those that the transport had
/// taken, but the peer may not have read, are counted in <see cref="Disconnection.MessagesInDoubt"/>. An exception in a
/// callback closes the connection with 1011 and ends the client: <see cref="Completion"/> fails with it. Set the callbacks before
/// connecting. Sending and closing may be called from any thread, also from callbacks.
/// </remarks>
/// <param name="url">As for <see cref="WebSocketClient.ConnectAsync(string, WebSocketClientOptions, CancellationToken)"/>.</param>
/// <param name="reconnect">When to connect again; <see langword="null"/> for the defaults.</param>
/// <param name="options">As for <see cref="WebSocketClient.ConnectAsync(string, WebSocketClientOptions, CancellationToken)"/>; the
/// clock is that of its <see cref="WebSocketClientOptions.Connection"/>.</param>
/// <exception cref="ArgumentException">The URL can't name a WebSocket.</exception>
public sealed class ReconnectingWebSocketClient(string url, ReconnectOptions? reconnect = null, WebSocketClientOptions? options = null)
    : IAsyncDisposable
{
    private readonly Uri _url = ServerUrl.Parse(url);
    private readonly ReconnectOptions _reconnect = reconnect ?? ReconnectOptions.Default;
    private readonly WebSocketClientOptions _options = options ?? WebSocketClientOptions.Default;
    private readonly SessionGate _gate = new((reconnect ?? ReconnectOptions.Default).MaxWaiting);
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<CloseResult?> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _started;
    private volatile CloseResult? _last;

    /// <summary>Each connection's beginning, before messages that wait for it are sent: the place for first messages, sent on the
    /// connection given.</summary>
    public Func<WebSocketConnection, ValueTask>? OnConnected { get; set; }

    /// <summary>A text message came.</summary>
    public Func<string, ValueTask>? OnTextMessage { get; set; }

    /// <summary>A binary message came. The memory is good until the returned task is done.</summary>
    public Func<ReadOnlyMemory<byte>, ValueTask>? OnBinaryMessage { get; set; }

    /// <summary>Each connection's end, with what may have been lost.</summary>
    public Func<Disconnection, ValueTask>? OnDisconnected { get; set; }

    /// <summary>There will be another attempt: why, which one, and after what wait.</summary>
    public Func<Reconnection, ValueTask>? OnReconnecting { get; set; }

    /// <summary>The options of the next attempt, made from those of the client: for a token that expires. Default: the same.</summary>
    public Func<WebSocketClientOptions, CancellationToken, ValueTask<WebSocketClientOptions>>? OnConnecting { get; set; }

    /// <summary>The connection; <see langword="null"/> while there is none.</summary>
    public WebSocketConnection? Connection => _gate.Current?.Connection;

    /// <summary>Done when the client has ended for good: with how the last connection ended, <see langword="null"/> when there was
    /// none; fails with the <see cref="HandshakeException"/> after which it gave up, or what a callback threw.</summary>
    public Task<CloseResult?> Completion => _completion.Task;

    /// <summary>Connects, trying again as the options say. To be called once.</summary>
    /// <param name="cancellationToken">Ends the client, until there is a first connection.</param>
    /// <returns>Done after <see cref="OnConnected"/> of the first connection.</returns>
    /// <exception cref="HandshakeException">Connecting failed, in a way that is not tried again.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, or the client closed meanwhile.</exception>
    /// <exception cref="InvalidOperationException">It was called before.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        if (Interlocked.Exchange(ref _started, 1) != 0) throw new InvalidOperationException("the client connects by itself after the first time");
        _ = RunAsync();
        using (cancellationToken.UnsafeRegister(static client => ((ReconnectingWebSocketClient)client!).StopConnecting(), this))
        {
            try
            {
                await _connected.Task.ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellationToken);
            }
        }
    }

    /// <summary>Sends a text message, over the next connection while there is none.</summary>
    /// <inheritdoc cref="SendAsync(MessageType, ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask SendAsync(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        return SendAsync(MessageType.Text, System.Text.Encoding.UTF8.GetBytes(text), cancellationToken);
    }

    /// <summary>Sends a binary message, over the next connection while there is none.</summary>
    /// <inheritdoc cref="SendAsync(MessageType, ReadOnlyMemory{byte}, CancellationToken)"/>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
        => SendAsync(MessageType.Binary, payload, cancellationToken);

    /// <summary>Sends a message, over the next connection while there is none.</summary>
    /// <param name="type">Text or binary.</param>
    /// <param name="payload">The payload; unchanged until the task is done. Of text it must be valid UTF-8.</param>
    /// <param name="cancellationToken">Ends the wait for a connection, and for room; then nothing was sent.</param>
    /// <returns>Done when the transport has taken the message.</returns>
    /// <exception cref="DeliveryUnknownException">The connection ended meanwhile; the message may have come to the peer.</exception>
    /// <exception cref="WebSocketClosedException">The client has ended; the message was not sent.</exception>
    /// <exception cref="InvalidOperationException"><see cref="ReconnectOptions.MaxWaiting"/> messages wait already; this one was not sent.</exception>
    public async ValueTask SendAsync(MessageType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
    {
        var session = await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        await session.SendAsync(type, payload, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Queues a message if there is a connection and room, without ever waiting.</summary>
    /// <returns><see langword="false"/> when it was not taken.</returns>
    /// <param name="type">Text or binary.</param>
    /// <param name="payload">The payload; copied during the call. Of text it must be valid UTF-8.</param>
    public bool TrySend(MessageType type, ReadOnlyMemory<byte> payload) => _gate.Current is { } session && session.TrySend(type, payload);

    /// <summary>Makes sure, by a ping behind it, that the peer's WebSocket has read all that was sent before; what its application
    /// made of it, only that can tell.</summary>
    /// <exception cref="WebSocketClosedException">The connection ended before the answer, or there is none.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task ConfirmAsync(CancellationToken cancellationToken = default)
        => _gate.Current is { } session ? session.ConfirmAsync(cancellationToken) : throw new WebSocketClosedException(_last);

    /// <summary>Closes the connection, or ends the attempts to have one. It is not made again.</summary>
    /// <returns>How the connection ended; <see langword="null"/> when there was none.</returns>
    /// <param name="code">The close code.</param>
    /// <param name="reason">The close reason, up to 123 bytes in UTF-8.</param>
    /// <param name="cancellationToken">Ends the wait for the peer.</param>
    /// <exception cref="ArgumentException">The code may not be sent, or the reason is too long.</exception>
    public async Task<CloseResult?> CloseAsync(
        CloseCode code = CloseCode.NormalClosure, string reason = "", CancellationToken cancellationToken = default)
    {
        var closing = _gate.Current?.Connection.CloseAsync(code, reason, cancellationToken);
        await _stop.CancelAsync().ConfigureAwait(false);
        return closing is null ? _last : await closing.ConfigureAwait(false);
    }

    /// <summary>Closes with 1000 and waits until the connection is released.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_gate.Current is { } session) await session.Connection.DisposeAsync().ConfigureAwait(false);
    }

    private void StopConnecting()
    {
        if (!_connected.Task.IsCompleted) _stop.Cancel();
    }

    private async Task RunAsync()
    {
        Exception? error = null;
        try
        {
            await ReconnectAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Closed by its user.
        }
        catch (Exception e)
        {
            error = e;
        }
        _gate.Close(new WebSocketClosedException(_last));
        if (error is null)
        {
            _connected.TrySetCanceled();
            _completion.TrySetResult(_last);
            return;
        }
        _connected.TrySetException(error);
        _completion.TrySetException(error);
        _ = (_connected.Task.Exception, _completion.Task.Exception); // whoever wants to know asks
    }

    private async Task ReconnectAsync()
    {
        var time = _options.Connection.TimeProvider;
        var schedule = new ReconnectSchedule(_reconnect, time);
        while (true)
        {
            Reconnection? next;
            try
            {
                var connection = await OpenAsync().ConfigureAwait(false);
                schedule.Connected();
                next = schedule.Next(await ServeAsync(connection).ConfigureAwait(false));
                if (next is null || _stop.IsCancellationRequested) return;
            }
            catch (HandshakeException e)
            {
                next = schedule.Next(e);
                if (next is null) throw;
            }
            if (OnReconnecting is { } told) await told(next).ConfigureAwait(false);
            await Task.Delay(next.Delay, time, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task<WebSocketConnection> OpenAsync()
    {
        var current = OnConnecting is { } make ? await make(_options, _stop.Token).ConfigureAwait(false) : _options;
        return await WebSocketClient.ConnectAsync(_url, current, _stop.Token).ConfigureAwait(false);
    }

    private async Task<CloseResult> ServeAsync(WebSocketConnection connection)
    {
        var session = new ClientSession(connection, this, OnReady);
        _gate.Begin(session);
        if (_stop.IsCancellationRequested) _ = connection.CloseAsync();
        try
        {
            return await session.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            _last = connection.CloseResult;
            _gate.End(session);
            if (OnDisconnected is { } told) await told(session.Describe(_last!)).ConfigureAwait(false);
        }
    }

    private void OnReady(ClientSession session)
    {
        _gate.Open(session);
        _connected.TrySetResult();
    }
}
