using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

public sealed class LimitTests
{
    [Theory]
    [InlineData("/echo")]
    [InlineData("/push")]
    [InlineData("/rooms/limit?self=true")]
    public async Task A_message_at_the_limit_is_taken_and_one_beyond_is_closed_with_1009(string path)
    {
        await using var server = await RunningServer.ServeAsync("--max-message", "1KiB");
        using var peer = await RawPeer.ConnectAsync(server.Url, path);
        await peer.SendAsync(RawPeer.Binary, new byte[1024]);
        (await peer.ReadFrameAsync())!.Payload.Length.ShouldBe(1024);
        await peer.SendAsync(RawPeer.Binary, new byte[1025]);

        (await peer.ReadCloseAsync()).ShouldBe(1009);
    }

    [Fact]
    public async Task A_peer_that_answers_no_ping_is_let_go()
    {
        await using var server = await RunningServer.ServeAsync("--ping", "100ms");
        using var dead = await RawPeer.ConnectAsync(server.Url, "/echo");
        using var alive = await RawPeer.ConnectAsync(server.Url, "/echo");
        await dead.SendAsync(RawPeer.Text, "alive so far");
        (await dead.ReadFrameAsync())!.Text.ShouldBe("alive so far");
        var ended = dead.ReadToEndAsync();
        for (var i = 0; i < 10; i++)
        {
            var ping = (await alive.ReadFrameAsync()).ShouldNotBeNull("it answers its pings");
            ping.Opcode.ShouldBe(RawPeer.Ping);
            await alive.SendAsync(RawPeer.Pong, ping.Payload);
        }
        await ended;

        var metrics = await server.WaitForMetricsAsync(metrics => metrics["sluice_connections_open"] == 1);
        metrics["sluice_connections_closed_total{code=\"1006\"}"].ShouldBe(1);
    }

    [Theory]
    [InlineData("--max-connections", 503)]
    [InlineData("--max-connections-per-address", 429)]
    public async Task One_connection_more_than_allowed_is_refused(string option, int status)
    {
        await using var server = await RunningServer.ServeAsync(option, "2");
        using var first = await RawPeer.ConnectAsync(server.Url, "/echo");
        using var second = await RawPeer.ConnectAsync(server.Url, "/push");
        using var third = await RawPeer.DialAsync(server.Url);
        (await third.RequestAsync(server.Url, "/echo")).ShouldStartWith($"HTTP/1.1 {status} ");
    }

    [Fact]
    public async Task A_connection_without_messages_is_closed_with_1001()
    {
        await using var server = await RunningServer.ServeAsync("--idle-timeout", "200ms");
        using var peer = await RawPeer.ConnectAsync(server.Url, "/echo");
        await peer.SendAsync(RawPeer.Ping, "no message");
        var frame = (await peer.ReadFrameAsync()).ShouldNotBeNull();
        if (frame.Opcode == RawPeer.Pong) frame = (await peer.ReadFrameAsync()).ShouldNotBeNull(); // the close may be the faster one

        frame.CloseCode.ShouldBe(1001);
    }
}
