using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class RequestTests
{
    [Fact]
    public async Task Headers_origin_and_subprotocols_are_in_the_request()
    {
        using var server = new RawServer();
        await using var process = Command.Start(
            "connect", server.WebSocketUrl + "path?a=b%20c", "--header", "Authorization: Bearer a:b", "--header", "X-Two:  spaced  ",
            "--header", "X-Empty:", "--origin", "https://example.com", "--subprotocol", "first", "--subprotocol", "second");
        using var peer = await server.AcceptAsync();
        var lines = (await peer.AcceptAsync("Sec-WebSocket-Protocol: second")).Split("\r\n");

        lines[0].ShouldBe("GET /path?a=b%20c HTTP/1.1");
        lines.ShouldContain("Authorization: Bearer a:b");
        lines.ShouldContain("X-Two: spaced");
        lines.ShouldContain(line => line.TrimEnd() == "X-Empty:");
        lines.ShouldContain("Origin: https://example.com");
        lines.ShouldContain($"Host: {server.Url.Authority}");
        lines.ShouldContain("Sec-WebSocket-Protocol: first, second");
        (await process.Error.WaitForLineAsync("connected")).ShouldBe($"connected to {server.WebSocketUrl}path, subprotocol second");
    }

    [Fact]
    public async Task Http_in_the_URL_means_the_same_as_ws()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.Url.ToString());
        using var peer = await server.OpenAsync();
        await peer.SendAsync(RawPeer.Text, "welcome");

        (await process.Output.ReadLineAsync()).ShouldBe("welcome");
    }
}
