using System.Net.WebSockets;

namespace Sluice.Bench.AspNetCore;

internal static class Echo
{
    public static async Task RunAsync(WebSocket socket)
    {
        using var received = new Received(socket);
        try
        {
            while (await received.NextAsync())
                await socket.SendAsync(received.Payload, received.Type, endOfMessage: true, CancellationToken.None);
            if (socket.State == WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException)
        {
            // The peer is gone; there is nobody left to tell.
        }
    }
}
