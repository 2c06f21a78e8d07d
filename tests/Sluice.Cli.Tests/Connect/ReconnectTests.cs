using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class ReconnectTests
{
    [Fact]
    public async Task After_a_loss_the_first_message_is_sent_again_and_the_input_goes_on()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--reconnect", "--first", "subscribe");
        using (var first = await server.OpenAsync())
        {
            (await first.ReadFrameAsync())!.Text.ShouldBe("subscribe");
            await process.Input.WriteAsync("one\n");
            (await first.ReadFrameAsync())!.Text.ShouldBe("one");
            first.Reset();
        }
        await process.Error.WaitForLineAsync("of the 2 messages sent over it the last ones may not have arrived");
        await process.Error.WaitForLineAsync("connecting again in ");
        await process.Input.WriteAsync("two\nthree\n");
        using var second = await server.OpenAsync();
        (await second.ReadFrameAsync())!.Text.ShouldBe("subscribe");
        (await second.ReadFrameAsync())!.Text.ShouldBe("two"); // "one" is not sent again
        (await second.ReadFrameAsync())!.Text.ShouldBe("three");
        await second.SendAsync(RawPeer.Text, "answer");
        (await process.Output.ReadLineAsync()).ShouldBe("answer");
        process.Input.Close();
        (await second.ReadCloseAsync()).ShouldBe(1000);
        await second.SendCloseAsync(1000);
        second.Dispose();
        (await process.WaitForExitAsync()).ShouldBe(0, process.Error.Text);
    }

    [Fact]
    public async Task A_refusal_that_stays_ends_it()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--reconnect");
        await AnswerAsync(server, "503 Busy");
        await process.Error.WaitForLineAsync("connecting again in ");
        await AnswerAsync(server, "404 Not Found");
        (await process.WaitForExitAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task Attempts_are_bounded()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--reconnect", "--attempts", "1", "--json");
        await AnswerAsync(server, "503 Busy");
        await process.Output.WaitForLineAsync("\"event\":\"reconnecting\"");
        await AnswerAsync(server, "503 Busy");
        (await process.WaitForExitAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task Ctrl_C_ends_a_wait()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--reconnect");
        await AnswerAsync(server, "503 Busy");
        await process.Error.WaitForLineAsync("connecting again in ");
        process.Interrupt();
        (await process.WaitForExitAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task A_message_count_holds_over_all_connections()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--reconnect", "--close-after", "2");
        using (var first = await server.OpenAsync())
        {
            await first.SendAsync(RawPeer.Text, "1");
            (await process.Output.ReadLineAsync()).ShouldBe("1");
            first.Reset();
        }
        using var second = await server.OpenAsync();
        await second.SendAsync(RawPeer.Text, "2");
        (await second.ReadCloseAsync()).ShouldBe(1000);
        await second.SendCloseAsync(1000);
        second.Dispose();
        (await process.WaitForExitAsync()).ShouldBe(0, process.Error.Text);
    }

    [Theory]
    [InlineData("--attempts", "3")]
    [InlineData("--reconnect", "--echo", "--repeat", "2")]
    public async Task Contradictions_are_wrong_usage(params string[] options)
        => (await Command.RunAsync(["connect", "ws://127.0.0.1:1/", .. options])).ExitCode.ShouldBe(2);

    private static async Task AnswerAsync(RawServer server, string status)
    {
        using var peer = await server.AcceptAsync();
        await peer.ReadHeadAsync();
        await peer.WriteAsync($"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        await peer.ReadToEndAsync();
    }
}
