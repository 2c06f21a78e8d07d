namespace Sluice.AspNetCore.Tests.Support;

/// <summary>Sends every message back.</summary>
internal sealed class Echo : IWebSocketHandler
{
    public static Echo Handler { get; } = new();

    public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        => connection.SendAsync(type, payload);
}
