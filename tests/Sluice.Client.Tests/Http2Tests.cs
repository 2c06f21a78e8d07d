using System.Net;
using Sluice.Compression;

namespace Sluice.Client.Tests;

/// <summary>WebSockets over HTTP/2 (RFC 8441), with ASP.NET Core's own as the peer and with our own server.</summary>
public sealed class Http2Tests(KestrelServer server) : IClassFixture<KestrelServer>
{
    public static TheoryData<string, bool> Servers => new() { { "/echo", true }, { "/echo", false }, { "/sluice", true }, { "/sluice", false } };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Compression_is_agreed_on_and_used(bool secure)
    {
        var options = server.Http2Options(Http2Calls.Exact(secure)) with { Compression = CompressionOptions.Default };
        await using var connection = await WebSocketClient.ConnectAsync((secure ? server.SecureUrl : server.Http2Url) + "/deflate", options).Guarding();
        connection.HttpVersion.ShouldBe(HttpVersion.Version20);
        connection.Compression.ShouldNotBeNull();
        foreach (var size in (int[])[0, 255, 256, 65_536, 1024 * 1024])
        {
            var payload = new byte[size];
            for (var i = 0; i < size; i++) payload[i] = (byte)(i / 100);
            var sending = connection.SendAsync(payload).Guarding();
            using var echo = await connection.ReceiveAsync().Guarding();
            echo.Payload.Span.SequenceEqual(payload).ShouldBeTrue();
            await sending;
        }
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Messages_go_both_ways_and_the_close_is_clean(string path, bool secure)
    {
        var connection = await server.ConnectHttp2Async(path, secure);
        connection.HttpVersion.ShouldBe(HttpVersion.Version20);
        await connection.SendAsync("protocol").Guarding();
        using (var reply = await connection.ReceiveAsync().Guarding())
        {
            System.Text.Encoding.ASCII.GetString(reply.Payload.Span).ShouldBe(secure ? "HTTP/2 https" : "HTTP/2 http");
        }
        foreach (var size in (int[])[0, 1, 125, 126, 16_384, 65_535, 65_536, 1024 * 1024])
        {
            var payload = new byte[size];
            new Random(size).NextBytes(payload);
            var sending = connection.SendAsync(payload).Guarding();
            using var echo = await connection.ReceiveAsync().Guarding();
            echo.Payload.Span.SequenceEqual(payload).ShouldBeTrue();
            await sending;
        }
        (await connection.PingAsync().Guarding()).ShouldBeGreaterThan(TimeSpan.Zero);
        var result = await connection.CloseAsync(CloseCode.GoingAway).Guarding();
        result.WasClean.ShouldBeTrue();
        result.Code.ShouldBe(CloseCode.GoingAway);
        await connection.Released.Guarding();
    }

    [Fact]
    public async Task RFC_8441_5_the_request_is_what_the_RFC_asks_for()
    {
        using var raw = new RawServer();
        var options = server.Http2Options(HttpVersionPolicy.RequestVersionExact) with
        {
            Origin = "http://example.test",
            Subprotocols = ["chat.v2", "chat.v1"],
            Compression = new(),
        };
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/path?a=b", options);
        using var peer = new RawHttp2Peer(await raw.AcceptAsync());
        var request = await peer.OpenAsync();
        (await connecting.Guarding()).Abort();
        request.TakeWhile(field => field.Name.StartsWith(':')).Order().ShouldBe(
        [
            (":authority", $"127.0.0.1:{raw.Port}"), (":method", "CONNECT"), (":path", "/path?a=b"), (":protocol", "websocket"), (":scheme", "http"),
        ]);
        request.SkipWhile(field => field.Name.StartsWith(':')).Order().ShouldBe(
        [
            ("origin", "http://example.test"),
            ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits, permessage-deflate"),
            ("sec-websocket-protocol", "chat.v2, chat.v1"),
            ("sec-websocket-version", "13"),
        ]);
    }

    [Theory]
    [InlineData("/echo")]
    [InlineData("/sluice")]
    public async Task Many_WebSockets_share_the_connection_of_a_shared_handler(string path)
    {
        const int Count = 20, Rounds = 15; // more streams than may be open at once (100), so an ended one must be let go
        using var handler = server.CreateSharedHandler();
        server.Connections.Clear();
        for (var round = 0; round < Rounds; round++)
        {
            var connections = await Task.WhenAll(Enumerable.Range(0, Count)
                .Select(_ => WebSocketClient.ConnectAsync(server.SecureUrl + path, server.Http2Options(handler: handler)))).Guarding();
            await Task.WhenAll(connections.Select(async (connection, i) =>
            {
                await connection.SendAsync($"{i}");
                using var echo = await connection.ReceiveAsync();
                echo.Text.ShouldBe($"{i}");
                (await connection.CloseAsync()).WasClean.ShouldBeTrue();
                await connection.Released;
            })).Guarding();
        }
        server.Connections.Count.ShouldBe(Count * Rounds);
        server.Connections.Distinct(StringComparer.Ordinal).Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_does_not_read_holds_the_sender_up_by_flow_control()
    {
        await using var connection = await WebSocketClient.ConnectAsync(
            server.SecureUrl + "/slow", server.Http2Options() with { Connection = new() { SendQueueLimit = 256 * 1024 } }).Guarding();
        (await connection.ReceiveAsync().Guarding()).Dispose();
        var block = new byte[64 * 1024];
        long sent = 0;
        var sending = connection.SendAsync(block).AsTask();
        // The window, Kestrel's pipe and our queue take some; then nothing more is taken.
        var mayRead = false;
        while (sent < 64 * block.Length)
        {
            if (!sending.IsCompleted && !mayRead)
            {
                connection.TrySend(MessageType.Binary, block).ShouldBeTrue("the queue had room");
                sent += block.Length;
                while (connection.TrySend(MessageType.Binary, block)) sent += block.Length;
                sent.ShouldBeLessThan(64 * block.Length, "what is queued is bounded");
                mayRead = true;
                server.MayRead.TrySetResult();
            }
            await sending.Guarding();
            sent += block.Length;
            sending = connection.SendAsync(block).AsTask();
        }
        await sending.Guarding();
        sent += block.Length;
        mayRead.ShouldBeTrue("the sender was held up");
        var result = await connection.CloseAsync().Guarding();
        result.WasClean.ShouldBeTrue();
        result.Reason.ShouldBe($"{sent}");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refusal_comes_with_status_and_body(bool secure)
    {
        var url = (secure ? server.SecureUrl : server.Http2Url) + "/refuse-connect";
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(url, server.Http2Options(Http2Calls.Exact(secure))).Guarding());
        error.Failure.ShouldBe(ConnectFailure.Refused);
        error.Status.ShouldBe(418);
        System.Text.Encoding.UTF8.GetString(error.Body.Span).ShouldBe("{\"why\":\"no\"}");
    }

    [Fact]
    public async Task A_subprotocol_is_agreed_and_headers_arrive()
    {
        await using var connection = await WebSocketClient.ConnectAsync(
            server.SecureUrl + "/echo",
            server.Http2Options() with { Subprotocols = ["one", "two"], Headers = [new("Cookie", "a=b")] }).Guarding();
        connection.HttpVersion.ShouldBe(HttpVersion.Version20);
        connection.Subprotocol.ShouldBe("two");
        await connection.SendAsync("cookie").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("a=b");
    }

    [Fact]
    public async Task A_handler_that_keeps_no_connections_is_refused()
    {
        using var handler = WebSocketClient.CreateHandler();
        var error = await Should.ThrowAsync<ArgumentException>(async () => await WebSocketClient.ConnectAsync(server.SecureUrl, server.Http2Options(handler: handler)));
        error.Message.ShouldContain("PooledConnectionLifetime");
    }
}
