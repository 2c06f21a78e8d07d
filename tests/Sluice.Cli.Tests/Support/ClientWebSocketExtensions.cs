using System.Net.WebSockets;
using System.Text;

namespace Sluice.Cli.Tests.Support;

/// <summary>Whole messages with .NET's own client.</summary>
internal static class ClientWebSocketExtensions
{
    public static Task SendTextAsync(this WebSocket socket, string text)
        => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, Guard.Token());

    public static Task SendBinaryAsync(this WebSocket socket, byte[] payload)
        => socket.SendAsync(payload, WebSocketMessageType.Binary, endOfMessage: true, Guard.Token());

    public static async Task<(WebSocketMessageType Type, byte[] Payload)> ReceiveMessageAsync(this WebSocket socket)
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer, Guard.Token());
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage) return (part.MessageType, message.ToArray());
        }
    }

    public static async Task<string> ReceiveTextAsync(this WebSocket socket)
    {
        var (type, payload) = await socket.ReceiveMessageAsync();
        type.ShouldBe(WebSocketMessageType.Text);
        return Encoding.UTF8.GetString(payload);
    }

    public static Task CloseNormallyAsync(this WebSocket socket, int code = 1000)
        => socket.CloseAsync((WebSocketCloseStatus)code, "done", Guard.Token());
}
