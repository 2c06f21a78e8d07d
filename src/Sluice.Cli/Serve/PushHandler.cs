namespace Sluice.Cli.Serve;

/// <summary>Sends one message at an interval, and returns what comes in meanwhile. One instance for each connection.</summary>
internal sealed class PushHandler(PreparedMessage message, TimeSpan every, ConnectionMetrics metrics, TimeProvider time) : IWebSocketHandler
{
    private ITimer? _timer;

    public ValueTask OnOpenAsync(WebSocketConnection connection)
    {
        _timer = time.CreateTimer(_ => Push(connection), null, every, every);
        return default;
    }

    public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        => connection.SendAsync(type, payload);

    public void OnClose(WebSocketConnection connection, CloseResult result) => _timer?.Dispose();

    // A beat that finds the queue full is skipped: the next one says the same.
    private void Push(WebSocketConnection connection)
    {
        if (!connection.TrySend(message) && connection.State == ConnectionState.Open) metrics.Dropped("slow_reader");
    }
}
