using System.Text;

namespace Sluice;

/// <summary>One of the connections of a reconnecting client, and the count of what went over it.</summary>
internal sealed class ClientSession(WebSocketConnection connection, ReconnectingWebSocketClient client, Action<ClientSession> onReady)
    : IWebSocketHandler
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _sent;
    private long _confirmed;

    public WebSocketConnection Connection => connection;

    public bool IsOpen => connection.State == ConnectionState.Open;

    /// <summary>Done when the next session may begin.</summary>
    public Task Ended => _ended.Task;

    public async Task<CloseResult> RunAsync()
    {
        await using (connection.ConfigureAwait(false)) return await connection.RunAsync(this).ConfigureAwait(false);
    }

    public void End() => _ended.TrySetResult();

    public Disconnection Describe(CloseResult result)
    {
        var sent = Interlocked.Read(ref _sent);
        // An answered close frame stands behind everything (RFC 6455 §5.5.1).
        var isRead = result is { WasClean: true, ByPeer: false };
        return new() { Result = result, MessagesSent = sent, MessagesInDoubt = isRead ? 0 : sent - Interlocked.Read(ref _confirmed) };
    }

    public async ValueTask SendAsync(MessageType type, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        try
        {
            await connection.SendAsync(type, payload, cancellation).ConfigureAwait(false);
            Interlocked.Increment(ref _sent);
        }
        catch (WebSocketClosedException e)
        {
            throw new DeliveryUnknownException(e);
        }
    }

    public bool TrySend(MessageType type, ReadOnlyMemory<byte> payload)
    {
        if (!connection.TrySend(type, payload)) return false;
        Interlocked.Increment(ref _sent);
        return true;
    }

    /// <summary>Whatever was sent before, the peer has read before it answers the ping.</summary>
    public async Task ConfirmAsync(CancellationToken cancellation)
    {
        var before = Interlocked.Read(ref _sent);
        await connection.PingAsync(cancellation).ConfigureAwait(false);
        for (var confirmed = Interlocked.Read(ref _confirmed); confirmed < before;)
        {
            var seen = Interlocked.CompareExchange(ref _confirmed, before, confirmed);
            if (seen == confirmed) return;
            confirmed = seen;
        }
    }

    // Before anybody else's messages, the first ones of the application.
    async ValueTask IWebSocketHandler.OnOpenAsync(WebSocketConnection opened)
    {
        if (client.OnConnected is { } told) await EndedOrNotAsync(told(opened)).ConfigureAwait(false);
        onReady(this);
    }

    ValueTask IWebSocketHandler.OnMessageAsync(WebSocketConnection from, MessageType type, ReadOnlyMemory<byte> payload)
    {
        var task = type == MessageType.Text
            ? client.OnTextMessage?.Invoke(Encoding.UTF8.GetString(payload.Span)) ?? default
            : client.OnBinaryMessage?.Invoke(payload) ?? default;
        return task.IsCompletedSuccessfully ? task : EndedOrNotAsync(task);
    }

    // A callback whose own message came too late is not to blame: the connection's end is told to it anyway.
    private static async ValueTask EndedOrNotAsync(ValueTask callback)
    {
        try
        {
            await callback.ConfigureAwait(false);
        }
        catch (DeliveryUnknownException e)
        {
            throw new WebSocketClosedException(e.Result);
        }
    }
}
