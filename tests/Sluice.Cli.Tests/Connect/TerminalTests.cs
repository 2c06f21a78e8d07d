using Sluice.Cli.Tests.Support;
using Sluice.Peers;

namespace Sluice.Cli.Tests.Connect;

/// <summary>On a terminal, which <c>script</c> (in Debian's base) makes.</summary>
public sealed class TerminalTests
{
    private const string CtrlD = "\x04";

    [Fact]
    public async Task Ctrl_D_closes_with_1000()
    {
        using var server = new RawServer();
        await using var terminal = Start(server.WebSocketUrl);
        using var peer = await server.OpenAsync();
        await terminal.Output.WaitForLineAsync("connected to");
        await terminal.Input.WriteAsync("typed\n");
        (await peer.ReadFrameAsync())!.Text.ShouldBe("typed");
        await terminal.Input.WriteAsync(CtrlD);
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await terminal.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task What_a_terminal_would_obey_is_escaped()
    {
        using var server = new RawServer();
        await using var terminal = Start(server.WebSocketUrl);
        using var peer = await server.OpenAsync();
        await peer.SendAsync(RawPeer.Text, "\x1b]0;title\x07 zwölf");
        await peer.SendAsync(RawPeer.Binary, [0x1B, 0x00, 0xFF]);

        await terminal.Output.WaitForLineAsync("\\u001b]0;title\\u0007 zwölf");
        await terminal.Output.WaitForLineAsync("1b00ff");
        terminal.Output.Text.ShouldNotContain("\x1b]", Case.Sensitive);
    }

    private static ProcessUnderTest Start(string url)
        => ProcessUnderTest.Start("script", "--quiet", "--return", "--flush", "--echo", "never", "--command", $"dotnet '{Command.Program}' connect {url}", "/dev/null");
}
