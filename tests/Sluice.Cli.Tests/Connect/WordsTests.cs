using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

/// <summary>What is said on stderr: once, readable, and in the words of the command line.</summary>
public sealed class WordsTests
{
    [Theory]
    [InlineData("the origin \"https://a.example\" may not connect")]
    [InlineData("the origin \"https://a.example\" may not connect, and this is a reason that is longer than a line of eighty characters")]
    public async Task The_reason_of_a_refusal_stands_there_once_and_as_it_is(string reason)
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        using (var peer = await server.AcceptAsync())
        {
            await peer.ReadHeadAsync();
            await peer.WriteAsync($"HTTP/1.1 403 Forbidden\r\nContent-Length: {reason.Length}\r\n\r\n{reason}");
            (await process.WaitForExitAsync()).ShouldBe(3);
        }
        process.Error.Lines.ShouldBe([$"sluice: ws://{server.Url.Authority} refused the WebSocket with 403 Forbidden", $"  {reason}"]);
    }

    [Fact]
    public async Task A_handshake_that_takes_too_long_names_the_flag()
    {
        using var server = new RawServer();
        var finished = await Command.RunAsync("connect", server.WebSocketUrl, "--timeout", "200ms");
        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("--timeout");
        finished.Error.ShouldNotContain("HandshakeTimeout");
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_names_the_flags()
    {
        await using var server = await RunningServer.ServeTlsAsync("--tls");
        var finished = await Command.RunAsync("connect", server.WebSocketUrl("/echo"));
        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("trust its certificate, as --cacert FILE does");
        finished.Error.ShouldNotContain("SslOptions");
        finished.Error.ShouldNotContain("in Tls", Case.Sensitive);
    }

    [Fact]
    public async Task A_redirect_names_the_flag_and_is_followed_with_it()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl);
        await RedirectAsync(server);
        (await process.WaitForExitAsync()).ShouldBe(3);
        process.Error.Text.ShouldContain("--max-redirects");

        await using var following = Command.Start("connect", server.WebSocketUrl, "--max-redirects", "1");
        await RedirectAsync(server);
        using var peer = await server.AcceptAsync();
        (await peer.AcceptAsync()).ShouldStartWith("GET /there HTTP/1.1");
    }

    private static async Task RedirectAsync(RawServer server)
    {
        using var peer = await server.AcceptAsync();
        await peer.ReadHeadAsync();
        await peer.WriteAsync("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
        await peer.ReadToEndAsync();
    }
}
