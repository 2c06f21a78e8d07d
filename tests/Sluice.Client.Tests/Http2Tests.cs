using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using Sluice.Compression;

namespace Sluice.Client.Tests;

/// <summary>WebSockets over HTTP/2 (RFC 8441), with ASP.NET Core's own as the peer and with our own server.</summary>
public sealed class Http2Tests(KestrelServer server) : IClassFixture<KestrelServer>
{
    // SETTINGS with nothing in it, and the acknowledgement of the peer's (RFC 9113 §6.5).
    private static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    private static readonly byte[] Acknowledgement = [0, 0, 0, 4, 1, 0, 0, 0, 0];

    public static TheoryData<string, bool> Servers => new() { { "/echo", true }, { "/echo", false }, { "/sluice", true }, { "/sluice", false } };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Compression_is_agreed_on_and_used(bool secure)
    {
        var options = Options(Exact(secure)) with { Compression = CompressionOptions.Default };
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
        var connection = await ConnectAsync(path, secure);
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

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_close_from_there_is_answered(string path, bool secure)
    {
        var connection = await ConnectAsync(path, secure);
        await connection.SendAsync("close").Guarding();
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe((CloseCode)4001);
        connection.CloseResult.WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
    }

    [Fact]
    public async Task RFC_8441_5_a_reset_of_the_stream_is_an_abnormal_closure_with_its_error_code()
    {
        await using var connection = await ConnectAsync("/sluice", secure: true);
        connection.TrySend(MessageType.Text, "abort"u8.ToArray()).ShouldBeTrue(); // awaited, it might meet the reset
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        connection.CloseResult.WasClean.ShouldBeFalse();
        connection.CloseResult.Reason.ShouldContain("CANCEL");
        connection.CloseResult.Error.ShouldBeOfType<HttpProtocolException>().ErrorCode.ShouldBe(0x8);
    }

    [Fact]
    public async Task RFC_8441_5_the_request_is_what_the_RFC_asks_for()
    {
        using var raw = new RawServer();
        var options = Options(HttpVersionPolicy.RequestVersionExact) with
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

    [Fact]
    public async Task RFC_8441_5_an_abort_resets_the_stream_with_CANCEL()
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", Options(HttpVersionPolicy.RequestVersionExact));
        using var peer = new RawHttp2Peer(await raw.AcceptAsync());
        await peer.OpenAsync();
        var connection = await connecting.Guarding();
        connection.Abort();
        (await connection.Closed.Guarding()).Code.ShouldBe(CloseCode.AbnormalClosure);
        var reset = await peer.ReadAsync(RawHttp2Peer.ResetStream);
        reset.Stream.ShouldBe(1);
        reset.Payload.ShouldBe([0, 0, 0, 8]); // CANCEL, RFC 9113 §7
        await peer.ReadToEndAsync();
    }

    [Theory]
    [InlineData(0x8, "CANCEL")]
    [InlineData(0x2, "INTERNAL_ERROR")]
    [InlineData(0x0, "NO_ERROR")]
    public async Task Whatever_error_code_a_reset_has_the_closure_is_abnormal(byte code, string name)
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", Options(HttpVersionPolicy.RequestVersionExact));
        using var peer = new RawHttp2Peer(await raw.AcceptAsync());
        await peer.OpenAsync();
        await using var connection = await connecting.Guarding();
        await peer.SendAsync(RawHttp2Peer.ResetStream, 0, 1, [0, 0, 0, code]);
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        connection.CloseResult.Reason.ShouldContain(name);
    }

    [Fact]
    public async Task An_end_of_the_stream_without_a_close_frame_is_an_abnormal_closure()
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", Options(HttpVersionPolicy.RequestVersionExact));
        using var peer = new RawHttp2Peer(await raw.AcceptAsync());
        await peer.OpenAsync();
        await using var connection = await connecting.Guarding();
        await peer.SendAsync(RawHttp2Peer.Data, RawHttp2Peer.EndStream, 1, RawPeer.Text("last words"));
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("last words");
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
    }

    [Fact]
    public async Task An_abort_leaves_the_other_streams_of_a_connection_alone()
    {
        using var handler = CreateSharedHandler();
        var options = Options(handler: handler);
        await using var other = await WebSocketClient.ConnectAsync(server.SecureUrl + "/echo", options).Guarding();
        var connection = await WebSocketClient.ConnectAsync(server.SecureUrl + "/abort", options).Guarding();
        connection.Abort();
        (await connection.Closed.Guarding()).Code.ShouldBe(CloseCode.AbnormalClosure);
        await server.Aborted.Task.Guarding();
        await other.SendAsync("still here").Guarding();
        using var message = await other.ReceiveAsync().Guarding();
        message.Text.ShouldBe("still here");
    }

    [Theory]
    [InlineData("/echo")]
    [InlineData("/sluice")]
    public async Task Many_WebSockets_share_the_connection_of_a_shared_handler(string path)
    {
        const int Count = 20, Rounds = 15; // more streams than may be open at once (100), so an ended one must be let go
        using var handler = CreateSharedHandler();
        server.Connections.Clear();
        for (var round = 0; round < Rounds; round++)
        {
            var connections = await Task.WhenAll(Enumerable.Range(0, Count)
                .Select(_ => WebSocketClient.ConnectAsync(server.SecureUrl + path, Options(handler: handler)))).Guarding();
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
            server.SecureUrl + "/slow", Options() with { Connection = new() { SendQueueLimit = 256 * 1024 } }).Guarding();
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

    [Fact]
    public async Task A_server_that_chooses_HTTP_1_1_gets_it()
    {
        await using var connection = await WebSocketClient.ConnectAsync(server.SecureHttp1Url + "/echo", Options()).Guarding();
        connection.HttpVersion.ShouldBe(HttpVersion.Version11);
        await connection.SendAsync("protocol").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("HTTP/1.1 https");
    }

    [Fact]
    public async Task A_server_that_ignores_ALPN_gets_HTTP_1_1()
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"wss://127.0.0.1:{raw.Port}/", Options());
        using (var peer = await raw.AcceptAsync())
        await using (var tls = await AcceptTlsAsync(peer))
        {
            await ReadToEndAsync(tls);
        }
        using var second = await raw.AcceptAsync();
        await using var fallback = await AcceptTlsAsync(second);
        (await new StreamReader(fallback).ReadLineAsync().Guarding()).ShouldBe("GET / HTTP/1.1");
        second.Reset();
        await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
    }

    [Fact]
    public async Task In_clear_text_HTTP_1_1_is_taken_unless_2_is_demanded()
    {
        await using var connection = await WebSocketClient.ConnectAsync(server.Url + "/echo", Options()).Guarding();
        connection.HttpVersion.ShouldBe(HttpVersion.Version11);
        var error = await Should.ThrowAsync<HandshakeException>(
            WebSocketClient.ConnectAsync(server.Url + "/echo", Options(HttpVersionPolicy.RequestVersionExact)).Guarding());
        // The server answers in HTTP/1.1 and closes; its answer may be lost to the reset that follows it.
        error.Failure.ShouldBeOneOf(ConnectFailure.InvalidResponse, ConnectFailure.ConnectionLost);
        if (error.Failure == ConnectFailure.InvalidResponse) error.Message.ShouldContain("HTTP/2");
    }

    [Fact]
    public async Task A_higher_version_is_taken_when_that_is_allowed()
    {
        var options = Options(HttpVersionPolicy.RequestVersionOrHigher) with { HttpVersion = HttpVersion.Version11 };
        await using var two = await WebSocketClient.ConnectAsync(server.SecureUrl + "/echo", options).Guarding();
        two.HttpVersion.ShouldBe(HttpVersion.Version20);
        await using var one = await WebSocketClient.ConnectAsync(server.SecureHttp1Url + "/echo", options).Guarding();
        one.HttpVersion.ShouldBe(HttpVersion.Version11);
    }

    [Fact]
    public async Task Where_only_HTTP_2_will_do_a_server_without_it_is_named()
    {
        var error = await Should.ThrowAsync<HandshakeException>(
            WebSocketClient.ConnectAsync(server.SecureHttp1Url + "/echo", Options(HttpVersionPolicy.RequestVersionExact)).Guarding());
        error.Failure.ShouldBe(ConnectFailure.HttpVersion);
        error.Message.ShouldContain("does not speak HTTP/2");
    }

    [Theory]
    [InlineData(HttpVersionPolicy.RequestVersionOrLower)]
    [InlineData(HttpVersionPolicy.RequestVersionExact)]
    public async Task RFC_8441_3_a_server_that_does_not_announce_extended_CONNECT_gets_none(HttpVersionPolicy policy)
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"wss://127.0.0.1:{raw.Port}/", Options(policy));
        using (var peer = await raw.AcceptAsync())
        await using (var tls = await AcceptTlsAsync(peer, SslApplicationProtocol.Http2))
        {
            await tls.WriteAsync((byte[])[.. Settings, .. Acknowledgement]);
            await tls.ReadExactlyAsync(new byte[24]).Guarding(); // the preface
            await ReadToEndAsync(tls);
        }
        if (policy == HttpVersionPolicy.RequestVersionExact)
        {
            var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
            error.Failure.ShouldBe(ConnectFailure.HttpVersion);
            error.Message.ShouldContain("takes no WebSocket over it");
            return;
        }
        using var second = await raw.AcceptAsync();
        await using var fallback = await AcceptTlsAsync(second, SslApplicationProtocol.Http11);
        var request = await new StreamReader(fallback).ReadLineAsync().Guarding();
        request.ShouldBe("GET / HTTP/1.1");
        second.Reset();
        await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refusal_comes_with_status_and_body(bool secure)
    {
        var url = (secure ? server.SecureUrl : server.Http2Url) + "/refuse-connect";
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(url, Options(Exact(secure))).Guarding());
        error.Failure.ShouldBe(ConnectFailure.Refused);
        error.Status.ShouldBe(418);
        System.Text.Encoding.UTF8.GetString(error.Body.Span).ShouldBe("{\"why\":\"no\"}");
    }

    [Fact]
    public async Task A_subprotocol_is_agreed_and_headers_arrive()
    {
        await using var connection = await WebSocketClient.ConnectAsync(
            server.SecureUrl + "/echo",
            Options() with { Subprotocols = ["one", "two"], Headers = [new("Cookie", "a=b")] }).Guarding();
        connection.HttpVersion.ShouldBe(HttpVersion.Version20);
        connection.Subprotocol.ShouldBe("two");
        await connection.SendAsync("cookie").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("a=b");
    }

    [Fact]
    public async Task The_connection_of_one_WebSocket_ends_with_it()
    {
        using var raw = new RawServer();
        var url = new Uri(server.Http2Url);
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/echo", Options(HttpVersionPolicy.RequestVersionExact));
        using var client = await raw.AcceptAsync();
        using var backend = new TcpClient();
        await backend.ConnectAsync(url.Host, url.Port);
        var back = backend.GetStream().CopyToAsync(client.Stream);
        var there = client.Stream.CopyToAsync(backend.GetStream());
        var connection = await connecting.Guarding();
        (await connection.CloseAsync().Guarding()).WasClean.ShouldBeTrue();
        await there.Guarding(); // the client has closed
        backend.Client.Shutdown(SocketShutdown.Send);
        await back.Guarding();
    }

    [Fact]
    public async Task A_caller_who_gives_up_leaves_no_connection_behind()
    {
        using var raw = new RawServer();
        using var cancel = new CancellationTokenSource();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", Options(HttpVersionPolicy.RequestVersionExact), cancel.Token);
        using var peer = await raw.AcceptAsync();
        await peer.Stream.ReadExactlyAsync(new byte[24]).Guarding();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(connecting.Guarding());
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task A_handler_that_keeps_no_connections_is_refused()
    {
        using var handler = WebSocketClient.CreateHandler();
        var error = await Should.ThrowAsync<ArgumentException>(async () => await WebSocketClient.ConnectAsync(server.SecureUrl, Options(handler: handler)));
        error.Message.ShouldContain("PooledConnectionLifetime");
    }

    [Fact]
    public void HTTP_3_is_refused_with_the_reason()
        => Should.Throw<ArgumentException>(() => new WebSocketClientOptions { HttpVersion = HttpVersion.Version30 }).Message.ShouldContain("RFC 9220");

    private static async Task ReadToEndAsync(Stream stream)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null).Guarding();
        }
        catch (IOException)
        {
            // Our SETTINGS were not all read: an end by reset.
        }
    }

    private static HttpVersionPolicy Exact(bool secure)
        => secure ? HttpVersionPolicy.RequestVersionOrLower : HttpVersionPolicy.RequestVersionExact;

    private WebSocketClientOptions Options(
        HttpVersionPolicy policy = HttpVersionPolicy.RequestVersionOrLower, SocketsHttpHandler? handler = null) => new()
        {
            HttpVersion = HttpVersion.Version20,
            HttpVersionPolicy = policy,
            Handler = handler,
            Tls = handler is null ? server.Trust : null,
        };

    private SocketsHttpHandler CreateSharedHandler()
    {
        var handler = server.CreateTrustingHandler();
        handler.PooledConnectionLifetime = TimeSpan.FromMinutes(5);
        return handler;
    }

    private Task<WebSocketConnection> ConnectAsync(string path, bool secure)
        => WebSocketClient.ConnectAsync((secure ? server.SecureUrl : server.Http2Url) + path, Options(Exact(secure))).Guarding();

    private async Task<SslStream> AcceptTlsAsync(RawPeer peer, params SslApplicationProtocol[] protocols)
    {
        var tls = new SslStream(peer.Stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = server.Certificate,
            ApplicationProtocols = protocols.Length == 0 ? null : [.. protocols],
        }).Guarding();
        return tls;
    }
}
