using System.Net;
using System.Net.WebSockets;
using Sluice.Hostile.Support;

namespace Sluice.Hostile;

/// <summary>Attacks by sockets that share an HTTP/2 connection (RFC 8441).</summary>
public class Http2Attacks
{
    private const int MiB = 1024 * 1024;
    private const int Streams = 100; // as many as Kestrel lets a connection have

    [Fact]
    public async Task Sockets_that_never_read_do_not_stall_another_one_of_their_connection()
    {
        var time = new ManualTimeProvider();
        await using var target = await Target.StartAsync(new ConnectionOptions { TimeProvider = time, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        using var honest = await ConnectAsync(target, invoker);
        var attackers = new List<ClientWebSocket>();
        var floods = new List<Task>();
        for (var i = 1; i < Streams; i++)
        {
            var attacker = await ConnectAsync(target, invoker);
            attackers.Add(attacker);
            floods.Add(FloodAsync(attacker));
        }
        await target.LogsAsync("over HTTP/2", Streams);

        // More than the connection's window in all: credit that the others hold back would be missed.
        for (var i = 0; i < 60; i++) await EchoAsync(honest, new byte[MiB / 2]);
        floods.ShouldAllBe(flood => !flood.IsCompleted);
        target.Held.ShouldBeLessThan(256 * MiB); // the clients' own included

        // Each is cut when it has taken nothing for 60 s.
        await target.LogsInTimeAsync(time, "closed by this side with 1006: the peer did not read for too long", Streams - 1);
        await target.CountsAsync("sluice.connections.closed", "1006", Streams - 1);
        await EchoAsync(honest, new byte[MiB / 2]);
        attackers.ForEach(attacker => attacker.Dispose());
        await honest.CloseAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None).WaitAsync(Attacker.Guard);
    }

    private static async Task<ClientWebSocket> ConnectAsync(Target target, HttpMessageInvoker invoker)
    {
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{target.Http2Port}/ws"), invoker, CancellationToken.None).WaitAsync(Attacker.Guard);
        return socket;
    }

    private static async Task FloodAsync(ClientWebSocket attacker)
    {
        var message = new byte[64 * 1024];
        try
        {
            while (true) await attacker.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        }
        catch (Exception e) when (e is WebSocketException or IOException or HttpRequestException or OperationCanceledException or ObjectDisposedException)
        {
            // It was cut, or disposed: .NET's client does not tell of a reset while it waits for the window.
        }
    }

    private static async Task EchoAsync(ClientWebSocket socket, byte[] payload)
    {
        var sending = socket.SendAsync(payload, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        var buffer = new byte[64 * 1024];
        var length = 0;
        ValueWebSocketReceiveResult result;
        do
        {
            result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None).AsTask().WaitAsync(Attacker.Guard);
            length += result.Count;
        }
        while (!result.EndOfMessage);
        length.ShouldBe(payload.Length);
        await sending.WaitAsync(Attacker.Guard);
    }
}
