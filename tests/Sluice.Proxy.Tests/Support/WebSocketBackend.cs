using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sluice.Proxy.Tests.Support;

/// <summary>A backend on the platform's own WebSockets, which know nothing of ours.</summary>
internal static class WebSocketBackend
{
    /// <summary><c>/echo</c> returns messages and closes as it is closed; <c>/bye</c> closes with 4001 after the first message.</summary>
    public static void Map(WebApplication app)
    {
        app.UseWebSockets();
        app.Map("/echo", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(SubProtocolOf(context));
            var buffer = new byte[16 * 1024];
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
                if (read.MessageType == WebSocketMessageType.Close) break;
                await socket.SendAsync(buffer.AsMemory(0, read.Count), read.MessageType, read.EndOfMessage, context.RequestAborted);
            }

            await socket.CloseAsync(socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, socket.CloseStatusDescription, context.RequestAborted);
        });
        app.Map("/bye", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.ReceiveAsync(new byte[100].AsMemory(), context.RequestAborted);
            await socket.CloseAsync((WebSocketCloseStatus)4001, "had enough", context.RequestAborted);
        });
    }

    /// <summary>Sends a message and receives one back.</summary>
    public static async Task<byte[]> RoundTripAsync(WebSocket socket, byte[] message, WebSocketMessageType type)
    {
        var sending = socket.SendAsync(message, type, endOfMessage: true, CancellationToken.None);
        var got = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().Guarded();
            read.MessageType.ShouldBe(type);
            got.Write(buffer, 0, read.Count);
            if (read.EndOfMessage) break;
        }

        await sending.Guarded();
        return got.ToArray();
    }

    private static string? SubProtocolOf(HttpContext context) => context.WebSockets.WebSocketRequestedProtocols.LastOrDefault();
}
