using System.Text;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class EchoTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(16 << 20)]
    public async Task Text_and_binary_go_back_as_they_came(int size)
    {
        var payload = Encoding.ASCII.GetBytes(new string('e', size));
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--echo");
        using var peer = await server.OpenAsync();
        foreach (var opcode in (int[])[RawPeer.Text, RawPeer.Binary])
        {
            var sending = peer.SendAsync(opcode, payload);
            var echo = (await peer.ReadFrameAsync()).ShouldNotBeNull();
            await sending;
            echo.Opcode.ShouldBe(opcode);
            echo.Payload.AsSpan().SequenceEqual(payload).ShouldBeTrue();
        }
        await peer.SendCloseAsync(1000);
        await peer.ReadToCloseAsync();

        (await process.WaitForExitAsync()).ShouldBe(0);
        process.Output.Text.ShouldBeEmpty();
    }

    [Fact]
    public async Task Close_after_counts_what_was_sent_back()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--echo", "--close-after", "2");
        using var peer = await server.OpenAsync();
        for (var i = 1; i <= 3; i++) await peer.SendAsync(RawPeer.Text, $"{i}");
        (await peer.ReadFrameAsync())!.Text.ShouldBe("1");
        (await peer.ReadFrameAsync())!.Text.ShouldBe("2");
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_series_goes_on_however_a_connection_ends()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--echo", "--repeat", "4");
        using (await server.OpenAsync())
        {
            // lost
        }
        using (var broken = await server.OpenAsync())
        {
            await broken.SendAsync(0x3, "against the protocol");
            (await broken.ReadCloseAsync()).ShouldBe(1002);
        }
        await CloseNormallyAsync(server, 4000);
        await CloseNormallyAsync(server, 1000);

        (await process.WaitForExitAsync()).ShouldBe(0, "all connections were made");
        process.Error.Lines.Count(line => line.StartsWith("connected", StringComparison.Ordinal)).ShouldBe(4);
        process.Error.Lines.Count(line => line.StartsWith("closed", StringComparison.Ordinal)).ShouldBe(4);
    }

    [Fact]
    public async Task A_series_goes_on_after_a_refusal_and_gives_3()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--echo", "--repeat", "3");
        await CloseNormallyAsync(server, 1000);
        using (var refused = await server.AcceptAsync())
        {
            await refused.ReadHeadAsync();
            await refused.WriteAsync("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
            await refused.ReadToEndAsync();
        }
        await CloseNormallyAsync(server, 1000);

        (await process.WaitForExitAsync()).ShouldBe(3);
        process.Error.Text.ShouldContain("503 Busy");
    }

    [Fact]
    public async Task A_signal_ends_the_series()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--echo", "--repeat", "1000");
        using var peer = await server.OpenAsync();
        await process.Error.WaitForLineAsync("connected to");
        process.Terminate();
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(3, "not all connections were made");
    }

    private static async Task CloseNormallyAsync(RawServer server, int code)
    {
        using var peer = await server.OpenAsync();
        await peer.SendCloseAsync(code);
        (await peer.ReadCloseAsync()).ShouldBe(code);
    }
}
