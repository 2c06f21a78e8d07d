using System.Net.WebSockets;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

public sealed class EndpointTests(SharedServer shared)
{
    [Fact]
    public async Task The_page_is_served()
    {
        var (status, body) = await shared.Server.GetAsync("/");

        status.ShouldBe(200);
        body.ShouldContain("<html");
    }

    [Fact]
    public async Task A_plain_request_is_told_to_upgrade()
    {
        var (status, body) = await shared.Server.GetAsync("/echo");

        status.ShouldBe(426);
        body.ShouldContain("Upgrade");
    }

    [Fact]
    public async Task A_path_without_endpoint_is_not_found()
        => (await shared.Server.GetAsync("/nowhere")).Status.ShouldBe(404);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_536)]
    [InlineData(1 << 20)]
    public async Task Echo_returns_text_and_binary(int size)
    {
        using var socket = await shared.Server.ConnectAsync("/echo");
        var payload = new byte[size];
        Array.Fill(payload, (byte)'a');
        foreach (var type in (WebSocketMessageType[])[WebSocketMessageType.Text, WebSocketMessageType.Binary])
        {
            await socket.SendAsync(payload, type, endOfMessage: true, Guard.Token());
            var echo = await socket.ReceiveMessageAsync();
            echo.Type.ShouldBe(type);
            echo.Payload.AsSpan().SequenceEqual(payload).ShouldBeTrue();
        }
        await socket.CloseNormallyAsync();
        socket.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
    }

    [Fact]
    public async Task Push_sends_what_it_was_asked_to_and_echoes_meanwhile()
    {
        using var socket = await shared.Server.ConnectAsync("/push?every=20ms&message=tick%20tock");
        (await socket.ReceiveTextAsync()).ShouldBe("tick tock");
        await socket.SendTextAsync("mine");
        var ticks = 0;
        while (await socket.ReceiveTextAsync() is { } text && text != "mine")
        {
            text.ShouldBe("tick tock");
            ticks++;
        }
        for (var i = 0; i < 3; i++) (await socket.ReceiveTextAsync()).ShouldBe("tick tock");
        await socket.CloseNormallyAsync();
    }

    [Fact]
    public async Task Push_sends_a_heart_beat_when_not_told_what()
    {
        using var socket = await shared.Server.ConnectAsync("/push");

        (await socket.ReceiveTextAsync()).ShouldBe("heart beat");
    }

    [Theory]
    [InlineData("every=1ms", "every")]
    [InlineData("every=2h", "every")]
    [InlineData("every=often", "every")]
    [InlineData("every=", "every")]
    [InlineData("every=-1s", "every")]
    public async Task Push_refuses_what_it_cannot_do(string query, string told)
    {
        using var peer = await RawPeer.DialAsync(shared.Server.Url);
        (await peer.RequestAsync(shared.Server.Url, "/push?" + query)).ShouldStartWith("HTTP/1.1 400 ");
        (await shared.Server.GetAsync("/push?" + query)).Body.ShouldContain(told);
    }

    [Fact]
    public async Task Push_refuses_a_message_that_is_too_long()
        => (await shared.Server.GetAsync("/push?message=" + new string('m', 4097))).Status.ShouldBe(400);

    [Fact]
    public async Task Messages_are_logged_when_asked_for_and_cannot_forge_a_line()
    {
        await using var server = await RunningServer.ServeAsync("--log-messages");
        using var socket = await server.ConnectAsync("/echo");
        await socket.SendTextAsync("hello\nforged");
        await socket.SendBinaryAsync([0xCA, 0xFE]);

        await server.Process.Error.WaitForLineAsync("received text of 12 B: hello·forged");
        await server.Process.Error.WaitForLineAsync("received binary of 2 B: CAFE");
    }
}
