using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class ExitCodeTests
{
    [Theory]
    [InlineData(1000, 0)]
    [InlineData(1001, 0)]
    [InlineData(1005, 0)]
    [InlineData(1002, 1)]
    [InlineData(1011, 1)]
    [InlineData(4000, 1)]
    public async Task The_code_that_the_server_closes_with_decides(int code, int exitCode)
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using (var peer = await server.OpenAsync())
        {
            await peer.SendCloseAsync(code, "that is why");
            (await peer.ReadCloseAsync()).ShouldBe(code);
        }

        (await process.WaitForExitAsync()).ShouldBe(exitCode);
        process.Output.Text.ShouldBeEmpty();
        process.Error.Lines[^1].ShouldStartWith($"closed by the peer with {code}");
        if (code != 1005) process.Error.Lines[^1].ShouldEndWith(": that is why");
    }

    [Fact]
    public async Task A_connection_that_is_lost_gives_1()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using (await server.OpenAsync())
        {
        }

        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Error.Lines[^1].ShouldContain("1006");
    }

    [Fact]
    public async Task A_server_that_breaks_the_protocol_gives_1()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using var peer = await server.OpenAsync();
        await peer.SendAsync(0x3, "an opcode that nobody knows"); // RFC 6455 §5.2
        (await peer.ReadCloseAsync()).ShouldBe(1002);

        (await process.WaitForExitAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_never_answers_the_close_gives_1()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--linger", "1ms");
        using var peer = await server.OpenAsync();
        process.Input.Close();
        (await peer.ReadCloseAsync()).ShouldBe(1000);

        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Error.Lines[^1].ShouldContain("did not answer the close frame");
    }

    [Fact]
    public async Task A_server_that_answers_no_ping_gives_1()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--ping", "100ms");
        using var peer = await server.OpenAsync();

        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Error.Lines[^1].ShouldContain("no sign of life");
    }

    [Fact]
    public async Task A_message_beyond_the_limit_is_answered_with_1009_and_gives_1()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--max-message", "1KiB");
        using var peer = await server.OpenAsync();
        await peer.SendAsync(RawPeer.Text, new byte[1025]);
        (await peer.ReadCloseAsync()).ShouldBe(1009);

        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Output.Text.ShouldBeEmpty();
    }

    [Fact]
    public async Task Nobody_listening_gives_3()
    {
        string url;
        using (var server = new RawServer()) url = server.WebSocketUrl;
        var finished = await Command.RunAsync("connect", url);

        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("connection refused");
    }

    [Fact]
    public async Task A_refused_handshake_gives_3_and_shows_status_reason_and_body_without_harm()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using (var peer = await server.AcceptAsync())
        {
            await peer.ReadHeadAsync();
            await peer.WriteAsync("HTTP/1.1 403 Not Today\r\nContent-Length: 37\r\n\r\nthe first line\n\x1b[31mthe \x9bsecond line\n\n");
            (await process.WaitForExitAsync()).ShouldBe(3);
        }

        process.Error.Lines[0].ShouldContain("403 Not Today");
        process.Error.Lines[1].ShouldBe("  the first line");
        process.Error.Text.ShouldContain("second line");
        process.Error.Text.ShouldContain("\\u001b[31m");
        process.Error.Text.ShouldNotContain("\x1b", Case.Sensitive);
    }

    [Fact]
    public async Task An_endpoint_that_is_none_gives_3_and_404()
    {
        await using var serve = await RunningServer.ServeAsync();
        var finished = await Command.RunAsync("connect", serve.WebSocketUrl("/nowhere"));

        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("404");
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_gives_3()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--timeout", "2s");
        using var peer = await server.AcceptAsync();

        (await process.WaitForExitAsync()).ShouldBe(3);
        process.Error.Text.ShouldContain("within 2 s");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_signal_closes_with_1000_and_gives_0(bool interrupt)
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using var peer = await server.OpenAsync();
        await process.Error.WaitForLineAsync("connected to");
        if (interrupt) process.Interrupt();
        else process.Terminate();
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_signal_that_comes_twice_at_once_is_one_request()
    {
        // As from timeout, which signals its child and then the child's group.
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using var peer = await server.OpenAsync();
        await process.Error.WaitForLineAsync("connected to");
        process.Terminate();
        process.Interrupt();
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_signal_before_the_connection_is_open_gives_3()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using var peer = await server.AcceptAsync();
        await peer.ReadHeadAsync();
        process.Terminate();

        (await process.WaitForExitAsync()).ShouldBe(3);
    }
}
