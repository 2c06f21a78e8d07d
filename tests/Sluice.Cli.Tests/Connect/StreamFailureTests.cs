using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Sluice.Cli.Tests.Support;
using Sluice.Peers;

namespace Sluice.Cli.Tests.Connect;

/// <summary>Streams that can't be written or read, and signals.</summary>
public sealed class StreamFailureTests(SharedServer shared)
{
    private string Echo => shared.Server.WebSocketUrl("/echo");

    [Fact]
    public async Task A_full_disk_under_stdout_gives_1_and_the_reason()
    {
        await using var process = Command.StartShell($"echo hello | sluice connect {Echo} >/dev/full");
        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Error.Text.ShouldContain("sluice: stdout can't be written: ");
    }

    [Fact]
    public async Task A_reader_of_stdout_that_has_enough_is_no_failure()
    {
        await using var process = Command.StartShell($"sluice connect {Echo} --every 10ms --message x | head -1; exit ${{PIPESTATUS[0]}}");
        (await process.WaitForExitAsync()).ShouldBe(0, process.Error.Text);
        process.Output.Text.ShouldBe("x\n");
    }

    [Fact]
    public async Task A_full_disk_under_stderr_does_not_matter_to_connect()
    {
        await using var process = Command.StartShell($"echo hello | sluice connect {Echo} --close-after 1 2>/dev/full");
        (await process.WaitForExitAsync()).ShouldBe(0);
        process.Output.Text.ShouldBe("hello\n");
    }

    [Fact]
    public async Task Nor_to_serve()
    {
        var port = FreePort.Find();
        await using var process = ProcessUnderTest.Start("bash", "-c", $"exec dotnet '{Command.Program}' serve --verbose --listen http://127.0.0.1:{port} 2>/dev/full");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var guard = new CancellationTokenSource(Guard.Time);
        while (true)
        {
            try
            {
                (await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/healthz"), guard.Token)).ShouldStartWith("ok");
                break;
            }
            catch (HttpRequestException) when (!process.HasExited)
            {
                // It does not listen yet.
            }
        }
        process.Terminate();
        (await process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_start_that_fails_keeps_its_exit_code_when_it_can_not_say_why()
    {
        await using var process = Command.StartShell("sluice connect nonsense 2>/dev/full");
        (await process.WaitForExitAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task A_closed_stdin_is_an_end_of_input()
    {
        await using var process = Command.StartShell($"sluice connect {Echo} <&-");
        (await process.WaitForExitAsync()).ShouldBe(0, process.Error.Text);
    }

    [Fact]
    public async Task A_hang_up_closes_with_a_close_frame()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using var peer = await server.OpenAsync();
        await process.Error.WaitForLineAsync("connected");
        using (var kill = Process.Start("kill", ["-HUP", $"{process.Id}"])) await kill.WaitForExitAsync(Guard.Token());
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();
        (await process.WaitForExitAsync()).ShouldBe(0, process.Error.Text);
    }

    [Fact]
    public async Task Ctrl_C_between_repetitions_is_not_a_success()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--echo", "--repeat", "1000");
        using var peer = await server.OpenAsync();
        await process.Error.WaitForLineAsync("connected");
        process.Interrupt();
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        await peer.SendCloseAsync(1000);
        peer.Dispose();
        (await process.WaitForExitAsync()).ShouldBe(3);
        process.Error.Text.ShouldContain("stopped after 1 of 1000 connections");
    }
}
