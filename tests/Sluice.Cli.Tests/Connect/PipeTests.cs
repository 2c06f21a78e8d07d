using System.Text;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class PipeTests(SharedServer shared)
{
    private string Echo => shared.Server.WebSocketUrl("/echo");

    [Fact]
    public async Task The_line_of_the_manual_prints_hello()
    {
        await using var shell = Command.StartShell($"printf 'hello\\n' | sluice connect {Echo} --close-after 1");

        (await shell.WaitForExitAsync()).ShouldBe(0);
        shell.Output.Text.ShouldBe("hello\n");
    }

    [Fact]
    public async Task The_answers_are_awaited_at_the_end_of_the_input()
    {
        var finished = await Command.RunWithInputAsync("one\n\ntwo ✓\nthe last has no end", "connect", Echo);

        finished.ExitCode.ShouldBe(0, finished.Error);
        finished.Output.ShouldBe("one\n\ntwo ✓\nthe last has no end\n");
    }

    [Fact]
    public async Task An_answer_that_takes_its_time_is_awaited()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--linger", "off");
        using var peer = await server.OpenAsync();
        await process.Input.WriteAsync("a question\n");
        process.Input.Close();
        (await peer.ReadFrameAsync())!.Text.ShouldBe("a question");
        await peer.SendAsync(RawPeer.Text, "an answer");
        (await process.Output.ReadLineAsync()).ShouldBe("an answer");
        await peer.SendAsync(RawPeer.Text, "and another");
        (await process.Output.ReadLineAsync()).ShouldBe("and another");
        await peer.SendCloseAsync(1000);
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task What_comes_after_our_close_frame_is_printed()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--linger", "1ms");
        using var peer = await server.OpenAsync();
        process.Input.Close();
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendAsync(RawPeer.Text, "was under way"); // RFC 6455 §5.5.1: only the sender of a close frame falls silent
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(0);
        process.Output.Text.ShouldBe("was under way\n");
    }

    [Fact]
    public async Task A_message_is_printed_while_the_input_stays_open()
    {
        await using var process = Command.Start("connect", Echo);
        foreach (var word in (string[])["first", "second"])
        {
            await process.Input.WriteAsync(word + "\n");
            (await process.Output.ReadLineAsync()).ShouldBe(word);
        }
    }

    [Fact]
    public async Task Many_lines_come_back_in_order()
    {
        const int Count = 20_000;
        var input = new StringBuilder();
        for (var i = 0; i < Count; i++) input.Append(i).Append('\n');
        var finished = await Command.RunWithInputAsync(input.ToString(), "connect", Echo, "--close-after", $"{Count}");

        finished.ExitCode.ShouldBe(0, finished.Error);
        finished.Output.ShouldBe(input.ToString());
    }

    [Fact]
    public async Task A_long_line_arrives_whole()
    {
        var line = new string('x', 1 << 20);
        var finished = await Command.RunWithInputAsync(line + "\n", "connect", Echo, "--close-after", "1");

        finished.ExitCode.ShouldBe(0, finished.Error);
        finished.Output.ShouldBe(line + "\n");
    }

    [Fact]
    public async Task No_more_messages_are_printed_than_asked_for()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--close-after", "2");
        using var peer = await server.OpenAsync();
        for (var i = 1; i <= 5; i++) await peer.SendAsync(RawPeer.Text, $"{i}");
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(0);
        process.Output.Text.ShouldBe("1\n2\n");
    }

    [Fact]
    public async Task Binary_sends_binary_and_prints_the_bytes_alone()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--binary");
        using var peer = await server.OpenAsync();
        await process.Input.BaseStream.WriteAsync(new byte[] { 0xFF, 0x00, 0x0A });
        process.Input.Close();
        var sent = (await peer.ReadFrameAsync()).ShouldNotBeNull();
        sent.Opcode.ShouldBe(RawPeer.Binary);
        sent.Payload.ShouldBe([0xFF, 0x00]);
        await peer.SendAsync(RawPeer.Binary, [1, 2, 0xFE]);
        await peer.SendAsync(RawPeer.Binary, [3]);
        await peer.SendCloseAsync(1000);
        await peer.ReadToCloseAsync();

        (await process.WaitForExitAsync()).ShouldBe(0);
        process.Output.ToArray().ShouldBe([1, 2, 0xFE, 3]);
    }

    [Fact]
    public async Task A_line_that_is_not_UTF_8_is_not_sent_as_text()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using var peer = await server.OpenAsync();
        await process.Input.BaseStream.WriteAsync((byte[])[.. "good\nba"u8, 0xFF, .. "\nnever\n"u8]);
        await process.Input.BaseStream.FlushAsync();
        (await peer.ReadFrameAsync())!.Text.ShouldBe("good");
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(2);
        process.Error.Lines[^1].ShouldContain("line 2 of the input is not UTF-8 (byte 3)");
        process.Error.Lines[^1].ShouldContain("--binary");
    }

    [Fact]
    public async Task A_line_without_end_costs_no_more_than_the_limit()
    {
        await using var shell = Command.StartShell($"head -c 100000000 /dev/zero 2>/dev/null | sluice connect {Echo} --max-message 64KiB");

        (await shell.WaitForExitAsync()).ShouldBe(2);
        shell.Error.Lines[^1].ShouldContain("line 1 of the input is longer than 65536 bytes");
    }

    [Fact]
    public async Task A_reader_that_has_enough_ends_it_quietly_with_0()
    {
        var url = shared.Server.WebSocketUrl("/push?every=10ms&message=beat");
        await using var shell = Command.StartShell($"set -o pipefail; sluice connect '{url}' --linger off </dev/null | head -n 1");

        (await shell.WaitForExitAsync()).ShouldBe(0);
        shell.Output.Text.ShouldBe("beat\n");
        shell.Error.Text.ShouldNotContain("sluice:");
        shell.Error.Lines[^1].ShouldBe("closed by this side with 1000");
    }

    [Fact]
    public async Task Output_appended_to_a_file_stays_in_order_with_others()
    {
        var file = Path.GetTempFileName();
        try
        {
            await using var shell = Command.StartShell(
                $"{{ echo before; printf 'hello\\n' | sluice connect {Echo} --close-after 1; echo after; }} > '{file}' 2>/dev/null");
            (await shell.WaitForExitAsync()).ShouldBe(0);
            (await File.ReadAllTextAsync(file, Guard.Token())).ShouldBe("before\nhello\nafter\n");
        }
        finally
        {
            File.Delete(file);
        }
    }
}
