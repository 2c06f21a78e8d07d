using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc8441;

/// <summary>RFC 8441: WebSockets on streams of HTTP/2, at the server.</summary>
public class ServerTests
{
    private static readonly ConnectionOptions Quiet = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };

    [Fact]
    public async Task Section_3_the_server_announces_extended_CONNECT()
    {
        using var peer = await Http2Peer.ConnectAsync();
        peer.Settings[8].ShouldBe(1u);
    }

    [Fact]
    public async Task Section_5_an_extended_CONNECT_opens_a_WebSocket_without_the_fields_of_HTTP_1_1()
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, Connect("/chat", ("sec-websocket-protocol", "other, chat.v1"), ("sec-websocket-extensions", "foo")));
        var response = await peer.ReadAcceptAsync(1);
        response.Field("sec-websocket-protocol").ShouldBe("chat.v1");
        foreach (var absent in new[] { "sec-websocket-accept", "sec-websocket-extensions", "upgrade", "connection" }) response.Field(absent).ShouldBeNull();
        await peer.SendAsync(1, Frame.Text("a"), Frame.Ping("b"));
        (await peer.ReadFrameAsync(1)).ShouldBe(Frame.Text("a"));
        (await peer.ReadFrameAsync(1)).ShouldBe(Frame.Pong("b"));
    }

    [Fact]
    public async Task Section_5_a_key_is_not_looked_at()
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, Connect("/echo", ("sec-websocket-key", "none of HTTP/2's business")));
        (await peer.ReadAcceptAsync(1)).Field("sec-websocket-accept").ShouldBeNull();
    }

    [Theory]
    [InlineData("/echo")]
    [InlineData("/calls")]
    [InlineData("/streams")]
    public async Task Section_5_the_end_of_the_stream_is_the_end_of_the_transport(string path)
    {
        using var peer = await Http2Peer.ConnectAsync();
        await OpenAsync(peer, 1, path);
        await peer.SendAsync(1, Frame.Text("owed"), Frame.Close(1001, "bye"));
        (await peer.ReadFrameAsync(1)).ShouldBe(Frame.Text("owed"));
        (await peer.ReadFrameAsync(1)).ShouldBe(Frame.Close(1001));
        await peer.ShouldEndAsync(1); // END_STREAM by the server first, as it closes TCP first over HTTP/1.1
    }

    [Theory]
    [InlineData("/echo")]
    [InlineData("/calls")]
    [InlineData("/streams")]
    public async Task Section_5_frames_may_be_cut_into_DATA_anywhere(string path)
    {
        using var peer = await Http2Peer.ConnectAsync();
        await OpenAsync(peer, 1, path);
        foreach (var part in Frame.Text("cut ß€𝄞").Unfinished().ToBytes(Side.Client)) await peer.SendDataAsync(1, [part]);
        await peer.SendDataAsync(1, []);
        await peer.SendAsync(1, Frame.Ping("p"), Frame.Continuation(" on"), Frame.Text("next"));
        Received[] came = [await peer.ReadFrameAsync(1), await peer.ReadFrameAsync(1), await peer.ReadFrameAsync(1)];
        came.Single(frame => frame.Opcode == 10).ShouldBe(Frame.Pong("p"));
        var texts = came.Where(frame => frame.Opcode == 1).ToArray();
        texts[0].ShouldBe(Frame.Text("cut ß€𝄞 on"));
        texts[1].ShouldBe(Frame.Text("next"));
    }

    [Fact]
    public async Task A_message_larger_than_a_DATA_frame_comes_back()
    {
        using var peer = await Http2Peer.ConnectAsync();
        await OpenAsync(peer, 1, "/echo");
        var payload = new byte[300_000];
        new Random(1).NextBytes(payload);
        foreach (var part in Frame.Binary(payload).ToBytes(Side.Client).Chunk(16_000)) await peer.SendDataAsync(1, part);
        (await peer.ReadFrameAsync(1)).ShouldBe(Frame.Binary(payload));
    }

    [Theory]
    [InlineData("C1", 1002)] // RSV1
    [InlineData("83", 1002)]
    [InlineData("8105", 1002)] // not masked
    [InlineData("08", 1002)]
    [InlineData("80", 1002)]
    [InlineData("81FF80", 1002)]
    [InlineData("81820000000080", 1007)]
    public async Task A_violation_is_answered_by_a_close_frame_and_the_end_of_the_stream(string hex, int code)
    {
        using var peer = await Http2Peer.ConnectAsync();
        await OpenAsync(peer, 1, "/echo");
        await peer.SendAsync(1, Frame.Text("owed"));
        await peer.SendDataAsync(1, Convert.FromHexString(hex));
        (await peer.ReadFrameAsync(1)).ShouldBe(Frame.Text("owed"));
        (await peer.ReadFrameAsync(1)).Code.ShouldBe(code);
        await peer.SendDataAsync(1, [], endStream: true);
        await peer.ShouldEndAsync(1);
    }

    [Fact]
    public async Task Section_5_a_reset_of_the_stream_is_a_reset_of_the_transport()
    {
        var held = new TaskCompletionSource<WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var peer = await Http2Peer.ConnectAsync();
        await OpenAsync(peer, 1, EchoServer.Prepare(Quiet, compression: null, connection =>
        {
            held.SetResult(connection);
            return Task.CompletedTask;
        }));
        var connection = await held.Task.Guarded();
        await peer.ResetAsync(1, error: 8);
        (await connection.Released.Guarded()).Code.ShouldBe(CloseCode.AbnormalClosure);
        await OpenAsync(peer, 3, "/echo"); // the other streams go on
        await peer.SendAsync(3, Frame.Text("a"));
        (await peer.ReadFrameAsync(3)).ShouldBe(Frame.Text("a"));
    }

    [Fact]
    public async Task Section_5_an_abort_by_the_server_is_a_reset_with_CANCEL()
    {
        using var peer = await Http2Peer.ConnectAsync();
        await OpenAsync(peer, 1, EchoServer.Prepare(Quiet, compression: null, async connection =>
        {
            using var message = await connection.ReceiveAsync();
            connection.Abort();
        }));
        await peer.SendAsync(1, Frame.Text("abort"));
        var reset = await peer.ReadAsync(1);
        (reset.Type, reset.Error).ShouldBe((3, 8u), reset.ToString());
    }

    [Fact]
    public async Task Section_5_END_STREAM_without_a_close_frame_is_1006()
    {
        var ended = new TaskCompletionSource<WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var peer = await Http2Peer.ConnectAsync();
        await OpenAsync(peer, 1, EchoServer.Prepare(Quiet, compression: null, async connection =>
        {
            await Echo.ByCallsAsync(connection);
            ended.SetResult(connection);
        }));
        await peer.SendDataAsync(1, Frame.Text("owed").ToBytes(Side.Client), endStream: true);
        (await peer.ReadFrameAsync(1)).ShouldBe(Frame.Text("owed"));
        await peer.ShouldEndAsync(1);
        (await (await ended.Task.Guarded()).Released.Guarded()).Code.ShouldBe(CloseCode.AbnormalClosure);
    }

    [Theory]
    [InlineData("8")]
    [InlineData("")]
    [InlineData("13, 8")]
    [InlineData(null)]
    public async Task Section_5_another_version_is_refused_with_the_one_that_is_spoken(string? version)
    {
        using var peer = await Http2Peer.ConnectAsync();
        var fields = Connect("/echo").Where(field => field.Name != "sec-websocket-version");
        await peer.SendHeadersAsync(1, endStream: false, [.. fields, .. version is null ? Array.Empty<(string, string)>() : [("sec-websocket-version", version)]]);
        var response = await peer.ReadAsync(1);
        response.Field(":status").ShouldBe("400", response.ToString());
        response.Field("sec-websocket-version").ShouldBe("13");
    }

    [Theory]
    [InlineData("webtransport")]
    [InlineData("WebSocket")]
    [InlineData("connect-udp")]
    public async Task Rfc_9220_section_3_another_protocol_is_answered_with_501(string protocol)
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, Changed(":protocol", protocol));
        var response = await peer.ReadAsync(1);
        response.Field(":status").ShouldBe("501", response.ToString());
    }

    [Theory]
    [InlineData(":scheme")]
    [InlineData(":path")]
    [InlineData(":authority")]
    public async Task Section_4_an_extended_CONNECT_without_a_pseudo_field_opens_nothing(string missing)
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, [.. Connect("/echo").Where(field => field.Name != missing)]);
        ShouldBeRefused(await peer.ReadAsync(1));
    }

    [Theory]
    [InlineData("upgrade", "websocket")]
    [InlineData("connection", "Upgrade")]
    public async Task Section_5_the_fields_of_an_upgrade_make_the_request_malformed(string name, string value)
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, Connect("/echo", (name, value)));
        ShouldBeRefused(await peer.ReadAsync(1));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task Section_4_protocol_belongs_to_CONNECT_alone(string method)
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, Changed(":method", method));
        ShouldBeRefused(await peer.ReadAsync(1));
    }

    [Fact]
    public async Task Section_4_a_plain_CONNECT_is_no_WebSocket()
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, (":method", "CONNECT"), (":authority", "127.0.0.1:1"), ("sec-websocket-version", "13"));
        ShouldBeRefused(await peer.ReadAsync(1));
    }

    [Fact]
    public async Task Section_5_a_foreign_origin_is_refused()
    {
        using var peer = await Http2Peer.ConnectAsync();
        await peer.SendHeadersAsync(1, endStream: false, Connect("/echo", ("origin", "https://evil.example")));
        (await peer.ReadAsync(1)).Field(":status").ShouldBe("403");
    }

    [Fact]
    public async Task Section_1_many_WebSockets_share_a_connection()
    {
        using var peer = await Http2Peer.ConnectAsync();
        for (var stream = 1; stream < 40; stream += 2) await OpenAsync(peer, stream, "/echo");
        for (var stream = 39; stream > 0; stream -= 2)
        {
            await peer.SendAsync(stream, Frame.Text($"{stream}"), Frame.Close(1000));
            (await peer.ReadFrameAsync(stream)).ShouldBe(Frame.Text($"{stream}"));
            (await peer.ReadFrameAsync(stream)).ShouldBe(Frame.Close(1000));
            await peer.ShouldEndAsync(stream);
        }
    }

    private static async Task OpenAsync(Http2Peer peer, int stream, string path)
    {
        await peer.SendHeadersAsync(stream, endStream: false, Connect(path));
        await peer.ReadAcceptAsync(stream);
    }

    private static void ShouldBeRefused(Http2Frame answer)
    {
        if (answer.Type == 1) int.Parse(answer.Field(":status")!, provider: null).ShouldBeInRange(400, 599);
        else (answer.Type is 3 or 7 ? answer.Error : 0).ShouldBe(1u, answer.ToString()); // PROTOCOL_ERROR (RFC 9113 §8.1.1)
    }

    private static (string Name, string Value)[] Connect(string path, params (string, string)[] more) =>
    [
        (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path), (":authority", "127.0.0.1"),
        ("sec-websocket-version", "13"), .. more,
    ];

    private static (string Name, string Value)[] Changed(string name, string value)
        => [.. Connect("/echo").Select(field => field.Name == name ? (name, value) : field)];
}
