using System.Text;
using System.Text.Json;
using Sluice.Peers;

namespace Sluice.Interop;

/// <summary>Our client against other people's servers.</summary>
public sealed class ClientTests(PeerServers servers) : IClassFixture<PeerServers>
{
    private static readonly TimeSpan Guard = ProcessUnderTest.Guard;

    private static readonly ConnectionOptions Large = new() { MaxMessageSize = 4 * 1024 * 1024 };

    public static TheoryData<string> Peers => Matrix.Peers;

    [Theory, MemberData(nameof(Peers))]
    public async Task Messages_of_all_sizes_come_back(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/echo");
        foreach (var size in new[] { 0, 1, 125, 126, 127, 65535, 65536, 1024 * 1024, 2 * 1024 * 1024 })
        {
            var bytes = new byte[size];
            new Random(size).NextBytes(bytes);
            await ShouldEcho(socket, MessageType.Binary, bytes);
            await ShouldEcho(socket, MessageType.Text, Encoding.UTF8.GetBytes(new string('é', size / 2)));
        }
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_burst_comes_back_in_order(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/echo");
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++) await socket.SendAsync($"message {i}");
        });
        for (var i = 0; i < 1000; i++)
        {
            using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
            message.Text.ShouldBe($"message {i}");
        }
        await sending.WaitAsync(Guard);
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_fragmented_message_comes_back_whole(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/echo");
        await using (var writer = await socket.OpenMessageAsync(MessageType.Text))
        {
            foreach (var part in new[] { "one ", "two ", "thr", "ee" })
            {
                await writer.WriteAsync(Encoding.UTF8.GetBytes(part));
                await socket.PingAsync().WaitAsync(Guard);
            }
        }
        using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Text.ShouldBe("one two three");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_ping_is_answered(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/echo");
        (await socket.PingAsync().WaitAsync(Guard)).ShouldBeGreaterThan(TimeSpan.Zero);
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task The_closing_handshake_is_clean(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/echo");
        var result = await socket.CloseAsync(CloseCode.NormalClosure, "done").WaitAsync(Guard);
        result.WasClean.ShouldBeTrue();
        result.Code.ShouldBe(CloseCode.NormalClosure);
        result.ByPeer.ShouldBeFalse();
        await socket.Released.WaitAsync(Guard);
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_close_by_the_server_is_told(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/close?code=4001&reason=bye");
        using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.IsClose.ShouldBeTrue();
        var result = socket.CloseResult.ShouldNotBeNull();
        ((int)result.Code).ShouldBe(4001);
        result.Reason.ShouldBe("bye");
        result.ByPeer.ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_message_right_behind_the_handshake_is_not_lost(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/early");
        using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Text.ShouldBe("early");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_refusal_gives_status_headers_and_body(string peer)
    {
        var refusal = await Should.ThrowAsync<HandshakeException>(ConnectAsync(peer, "/refuse"));
        refusal.Status.ShouldBe(403);
        refusal.Headers["X-Reason"].ShouldBe(["refused by the backend"]);
        Encoding.UTF8.GetString(refusal.Body.Span).ShouldBe("not today\n");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task The_server_chooses_a_subprotocol(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/echo", new() { Subprotocols = ["x.unknown", "x.second"] });
        socket.Subprotocol.ShouldBe("x.second");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Headers_and_origin_are_sent(string peer)
    {
        await using var socket = await ConnectAsync(peer, "/headers", new()
        {
            Headers = [new("X-Trace", "42")],
            Origin = "https://example.com",
        });
        using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
        var headers = JsonSerializer.Deserialize<Dictionary<string, string>>(message.Text)!;
        headers["x-trace"].ShouldBe("42");
        headers["origin"].ShouldBe("https://example.com");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_server_that_is_killed_is_a_result(string peer)
    {
        await using var server = await Peer.Named(peer).StartServerAsync();
        await using var socket = await WebSocketClient.ConnectAsync(server.WebSocketUrl("/echo"));
        await ShouldEcho(socket, MessageType.Text, "there"u8.ToArray());
        server.Process.Kill();
        using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.IsClose.ShouldBeTrue();
        socket.CloseResult.ShouldNotBeNull().Code.ShouldBe(CloseCode.AbnormalClosure);
    }

    private static async Task ShouldEcho(WebSocketConnection socket, MessageType type, byte[] payload)
    {
        var sending = socket.SendAsync(type, payload).AsTask();
        using var message = await socket.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Type.ShouldBe(type);
        message.Payload.Span.SequenceEqual(payload).ShouldBeTrue();
        await sending.WaitAsync(Guard);
    }

    private Task<WebSocketConnection> ConnectAsync(string peer, string path, WebSocketClientOptions? options = null)
        => WebSocketClient.ConnectAsync(servers[peer].WebSocketUrl(path), (options ?? new()) with { Connection = Large });
}
