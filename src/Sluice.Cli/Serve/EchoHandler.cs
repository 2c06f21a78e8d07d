namespace Sluice.Cli.Serve;

/// <summary>Returns every message as it came.</summary>
internal sealed class EchoHandler : IWebSocketHandler
{
    public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        => connection.SendAsync(type, payload);
}
