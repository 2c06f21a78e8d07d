using System.Net.WebSockets;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

public sealed class ShutdownTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_signal_closes_every_socket_with_1001_and_gives_0(bool interrupt)
    {
        await using var server = await RunningServer.ServeAsync();
        using var echo = await server.ConnectAsync("/echo");
        using var push = await server.ConnectAsync("/push?every=10ms");
        using var member = await server.ConnectAsync("/rooms/shutdown");
        if (interrupt) server.Process.Interrupt();
        else server.Process.Terminate();

        foreach (var socket in (WebSocket[])[echo, push, member])
        {
            while ((await socket.ReceiveMessageAsync()).Type != WebSocketMessageType.Close)
            {
                // beats that were under way
            }
            socket.CloseStatus.ShouldBe(WebSocketCloseStatus.EndpointUnavailable); // 1001
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, null, Guard.Token());
        }
        (await server.Process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_client_that_never_answers_does_not_hold_it_up_for_longer_than_the_drain()
    {
        await using var server = await RunningServer.ServeAsync("--drain", "2s");
        using var silent = await RawPeer.ConnectAsync(server.Url, "/echo");
        using var unread = await RawPeer.ConnectAsync(server.Url, "/push?every=10ms");
        server.Process.Terminate();

        (await silent.ReadCloseAsync()).ShouldBe(1001);
        (await server.Process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Messages_that_come_meanwhile_do_no_harm()
    {
        await using var server = await RunningServer.ServeAsync();
        using var peer = await RawPeer.ConnectAsync(server.Url, "/echo");
        server.Process.Terminate();
        (await peer.ReadCloseAsync()).ShouldBe(1001);
        await peer.SendAsync(RawPeer.Text, "was under way");
        await peer.SendCloseAsync(1001);
        (await peer.ReadFrameAsync()).ShouldBeNull();

        (await server.Process.WaitForExitAsync()).ShouldBe(0);
        server.Process.Error.Text.ShouldNotContain("fail:");
        server.Process.Error.Text.ShouldNotMatch(@"\b1011\b"); // a port may have these digits in it
    }
}
