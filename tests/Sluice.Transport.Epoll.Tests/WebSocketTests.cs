using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

/// <summary>ASP.NET Core's own WebSockets over the transport, unchanged.</summary>
public class WebSocketTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Messages_of_all_sizes_come_back(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, Map);
        using var socket = await OpenAsync(server, "ws");
        foreach (var size in (int[])[0, 1, 64, 125, 126, 4096, 65535, 65536, 1_000_000, 8_000_000]) await EchoAsync(socket, size);
        await CloseAsync(socket);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Messages_over_TLS(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, Map, l => l.UseHttps(TestCertificate.Instance));
        using var socket = await OpenAsync(server, "wss");
        foreach (var size in (int[])[1, 125, 65536, 1_000_000]) await EchoAsync(socket, size);
        await CloseAsync(socket);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Fragments_come_back_in_order(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, Map);
        using var socket = await OpenAsync(server, "ws");
        var receive = ReceiveAsync(socket, 100_000);
        for (var at = 0; at < 100_000; at += 1000)
        {
            await socket.SendAsync(Bytes.Pattern(1000, at), WebSocketMessageType.Binary, endOfMessage: at == 99_000, CancellationToken.None);
        }
        (await receive).SequenceEqual(Bytes.Pattern(100_000)).ShouldBeTrue();
        await CloseAsync(socket);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Sixteen_in_flight_on_many_connections(Kind kind)
    {
        await using var server = await Server.StartAsync(kind, Map);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () =>
        {
            using var socket = await OpenAsync(server, "ws");
            using var window = new SemaphoreSlim(16);
            var send = Task.Run(async () =>
            {
                for (var i = 0; i < 500; i++)
                {
                    (await window.WaitAsync(Guard.Time)).ShouldBeTrue();
                    await socket.SendAsync(Bytes.Pattern(64, i), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
                }
            });
            for (var i = 0; i < 500; i++)
            {
                (await ReceiveAsync(socket, 64)).ShouldBe(Bytes.Pattern(64, i));
                window.Release();
            }
            await send.Guarded();
            await CloseAsync(socket);
        }))).Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_server_that_sends_to_a_client_that_does_not_read_is_held_back(Kind kind)
    {
        long sent = 0;
        var ended = false;
        var done = new TaskCompletionSource();
        await using var server = await Server.StartAsync(kind, app => app.Run(async c =>
        {
            using var socket = await c.WebSockets.AcceptWebSocketAsync();
            try
            {
                var message = new byte[65536];
                while (true)
                {
                    await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, c.RequestAborted);
                    // Once the client is gone Kestrel takes everything and drops it, until it has told the application.
                    var total = Interlocked.Add(ref sent, message.Length);
                    if (!Volatile.Read(ref ended)) total.ShouldBeLessThan(256 * 1024 * 1024, "nobody reads");
                }
            }
            catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
            {
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }));
        using var socket = await OpenAsync(server, "ws");
        (await ReceiveAsync(socket, 65536)).Length.ShouldBe(65536);
        // Held back: the count stands still while the pool has had time for much else.
        for (long before = -1; Interlocked.Read(ref sent) != before;)
        {
            before = Interlocked.Read(ref sent);
            for (var i = 0; i < 2000; i++) await Task.Yield();
        }
        Volatile.Write(ref ended, true);
        socket.Abort();
        await done.Task.Guarded();
    }

    private static void Map(WebApplication app) => app.Run(async c =>
    {
        using var socket = await c.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            if (result.MessageType == WebSocketMessageType.Close) break;
            await socket.SendAsync(buffer.AsMemory(0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", CancellationToken.None);
    });

    private static async Task<ClientWebSocket> OpenAsync(Server server, string scheme)
    {
        var socket = new ClientWebSocket();
        if (scheme == "wss") socket.Options.RemoteCertificateValidationCallback = TestCertificate.IsKnown;
        await socket.ConnectAsync(new Uri($"{scheme}://localhost:{server.Port}/"), CancellationToken.None).Guarded();
        return socket;
    }

    private static async Task EchoAsync(ClientWebSocket socket, int size)
    {
        var receive = ReceiveAsync(socket, size);
        await socket.SendAsync(Bytes.Pattern(size), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None).Guarded();
        (await receive).SequenceEqual(Bytes.Pattern(size)).ShouldBeTrue();
    }

    private static async Task<byte[]> ReceiveAsync(ClientWebSocket socket, int size)
    {
        var bytes = new byte[size + 1];
        for (var at = 0; ;)
        {
            var result = await socket.ReceiveAsync(bytes.AsMemory(at), CancellationToken.None).Guarded();
            at += result.Count;
            if (!result.EndOfMessage) continue;
            at.ShouldBe(size);
            return bytes[..size];
        }
    }

    private static async Task CloseAsync(ClientWebSocket socket)
    {
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, CancellationToken.None).Guarded();
        socket.CloseStatusDescription.ShouldBe("bye");
    }
}
