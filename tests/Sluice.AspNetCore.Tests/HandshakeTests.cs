using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sluice.AspNetCore.Tests.Support;
using Sluice.Handshake;

namespace Sluice.AspNetCore.Tests;

public class HandshakeTests
{
    [Fact]
    public async Task Section_4_2_2_the_response_has_these_headers_and_no_others()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws"));
        var response = await peer.ReadResponseAsync();
        response.StatusLine.ShouldBe("HTTP/1.1 101 Switching Protocols");
        response.Headers.Where(header => header.Name != "Date").ShouldBe(
            [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", Handshakes.Accept)], ignoreOrder: true);
    }

    [Fact]
    public async Task Frames_in_the_same_segment_as_the_request_are_not_lost()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        byte[] all =
        [
            .. System.Text.Encoding.ASCII.GetBytes(Handshakes.Request(server.Port, "/ws")),
            .. MaskedFrame.Text("first"), .. MaskedFrame.Of(0x89, [1, 2]), .. MaskedFrame.Close(1000, "bye"),
        ];
        await peer.SendAsync(all);
        (await peer.ReadResponseAsync()).Status.ShouldBe(101);
        (await peer.ReadFrameAsync()).Text.ShouldBe("first");
        (await peer.ReadFrameAsync()).ShouldSatisfyAllConditions(
            pong => pong.First.ShouldBe((byte)0x8a), pong => pong.Payload.ShouldBe(new byte[] { 1, 2 }));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        await peer.ShouldEndAsync();
    }

    [Fact]
    public async Task A_request_and_frames_that_come_byte_by_byte_are_understood()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        foreach (var octet in Handshakes.Request(server.Port, "/ws")) await peer.SendAsync([(byte)octet]);
        (await peer.ReadResponseAsync()).Status.ShouldBe(101);
        foreach (var octet in MaskedFrame.Text("slowly")) await peer.SendAsync([octet]);
        (await peer.ReadFrameAsync()).Text.ShouldBe("slowly");
    }

    [Fact]
    public async Task An_upgrade_may_be_the_second_request_on_a_connection()
    {
        await using var server = await RunningServer.StartAsync(app =>
        {
            app.MapGet("/", (RequestDelegate)(context =>
            {
                context.Response.ContentLength = 5;
                return context.Response.WriteAsync("hello");
            }));
            app.MapWebSocket("/ws", Echo.Handler);
        });
        using var peer = await server.ConnectAsync();
        await peer.SendAsync($"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n{Handshakes.Request(server.Port, "/ws")}");
        (await peer.ReadResponseAsync()).Body.ShouldBe("hello");
        (await peer.ReadResponseAsync()).Status.ShouldBe(101);
        await peer.SendAsync(MaskedFrame.Text("later"));
        (await peer.ReadFrameAsync()).Text.ShouldBe("later");
    }

    [Theory]
    [InlineData("v1", "v1")]
    [InlineData("v1, v2", "v2")]
    [InlineData("v3", null)]
    [InlineData(null, null)]
    public async Task Section_4_2_2_the_server_chooses_the_subprotocol(string? offered, string? chosen)
    {
        string? seen = null;
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket(
            "/ws",
            connection =>
            {
                seen = connection.Subprotocol;
                return Task.CompletedTask;
            },
            new WebSocketEndpointOptions { Subprotocols = ["v2", "v1"] }));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Sec-WebSocket-Protocol", offered)));
        var response = await peer.ReadResponseAsync();
        response.Status.ShouldBe(101);
        response["Sec-WebSocket-Protocol"].ShouldBe(chosen);
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        seen.ShouldBe(chosen);
    }

    [Theory]
    [InlineData(null, 101)]
    [InlineData("http://127.0.0.1:{port}", 101)]
    [InlineData("http://127.0.0.1", 403)]
    [InlineData("http://elsewhere.example", 403)]
    [InlineData("null", 403)]
    public async Task Section_10_2_by_default_pages_of_the_same_origin_may_connect(string? origin, int status)
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        (await StatusAsync(server, origin)).ShouldBe(status);
    }

    [Theory]
    [InlineData("https://app.example", 101)]
    [InlineData("https://a.app.example", 403)]
    [InlineData("http://127.0.0.1:{port}", 403)]
    public async Task Section_10_2_listed_origins_may_connect(string origin, int status)
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket(
            "/ws", Echo.Handler, new WebSocketEndpointOptions { Origins = OriginPolicy.Allow(["https://app.example"]) }));
        (await StatusAsync(server, origin)).ShouldBe(status);
    }

    [Fact]
    public async Task The_handler_sees_the_route_values_and_the_query()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket(
            "/room/{name}",
            async (context, connection) => await connection.SendAsync($"{context.GetRouteValue("name")} {context.Request.Query["as"]}")));
        using var peer = await server.OpenAsync("/room/blue%20whale?as=anna");
        (await peer.ReadFrameAsync()).Text.ShouldBe("blue whale anna");
    }

    [Fact]
    public async Task The_log_tells_who_opened_what_over_which_version()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/{name}", Echo.Handler));
        using var peer = await server.OpenAsync("/a%0Ab");
        var line = (await server.Log.WaitForAsync("Opened"))[0].Message;
        line.ShouldContain("from 127.0.0.1 opened on /a%0Ab over HTTP/1.1");
    }

    [Fact]
    public async Task The_framework_s_own_client_talks_to_it()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}/ws"), CancellationToken.None).WaitAsync(RawPeer.Guard);
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        var buffer = new byte[64];
        var received = await client.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(RawPeer.Guard);
        buffer.AsSpan(0, received.Count).ToArray().ShouldBe("hello"u8.ToArray());
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None).WaitAsync(RawPeer.Guard);
        client.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
    }

    private static async Task<int> StatusAsync(RunningServer server, string? origin)
    {
        using var peer = await server.ConnectAsync();
        var value = origin?.Replace("{port}", $"{server.Port}", StringComparison.Ordinal);
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Origin", value)));
        return (await peer.ReadResponseAsync()).Status;
    }
}
