namespace Sluice.Relay;

/// <summary>One connection in a room: publishes what it receives, and is handed what others publish.</summary>
internal sealed class Member(Rooms rooms, Room room, WebSocketConnection connection, ConnectionMetrics metrics, bool self) : IWebSocketHandler
{
    private int _slow;

    public ValueTask OnMessageAsync(WebSocketConnection from, MessageType type, ReadOnlyMemory<byte> payload)
    {
        rooms.Options.OnMessage?.Invoke(room.Name, type, payload);
        room.Publish(new PreparedMessage(type, payload.Span), except: self ? null : this);
        return default;
    }

    public void OnClose(WebSocketConnection from, CloseResult result) => Leave();

    public void Leave() => rooms.Leave(room, this);

    public void Deliver(PreparedMessage message)
    {
        if (connection.TrySend(message)) return;
        if (connection.State != ConnectionState.Open) return;
        metrics.Dropped("slow_reader");
        if (Interlocked.Exchange(ref _slow, 1) != 0) return;
        Leave();
        _ = connection.CloseAsync(CloseCode.PolicyViolation, "too slow for the messages of the room"); // never faults
    }
}
