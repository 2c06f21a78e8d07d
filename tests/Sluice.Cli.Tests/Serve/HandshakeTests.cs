using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

public sealed class HandshakeTests(SharedServer shared)
{
    [Fact]
    public async Task By_default_pages_of_the_same_origin_may_connect()
    {
        (await AnswerAsync(shared.Server)).ShouldStartWith("HTTP/1.1 101 ");
        (await AnswerAsync(shared.Server, $"Origin: {shared.Server.Url.GetLeftPart(UriPartial.Authority)}")).ShouldStartWith("HTTP/1.1 101 ");
        (await AnswerAsync(shared.Server, "Origin: http://evil.example")).ShouldStartWith("HTTP/1.1 403 ");
        (await AnswerAsync(shared.Server, "Origin: null")).ShouldStartWith("HTTP/1.1 403 ");
    }

    [Fact]
    public async Task Origins_that_were_named_may_connect_and_others_not()
    {
        await using var server = await RunningServer.ServeAsync("--origin", "https://good.example", "--origin", "https://fine.example");

        (await AnswerAsync(server, "Origin: https://good.example")).ShouldStartWith("HTTP/1.1 101 ");
        (await AnswerAsync(server, "Origin: https://fine.example")).ShouldStartWith("HTTP/1.1 101 ");
        (await AnswerAsync(server, "Origin: https://evil.example")).ShouldStartWith("HTTP/1.1 403 ");
        (await AnswerAsync(server, "Origin: http://good.example")).ShouldStartWith("HTTP/1.1 403 ");
    }

    [Fact]
    public async Task A_star_lets_every_origin_in()
    {
        await using var server = await RunningServer.ServeAsync("--origin", "*");

        (await AnswerAsync(server, "Origin: http://anybody.example")).ShouldStartWith("HTTP/1.1 101 ");
    }

    [Fact]
    public async Task The_server_prefers_its_first_subprotocol()
    {
        await using var server = await RunningServer.ServeAsync("--subprotocol", "b", "--subprotocol", "a");

        (await AnswerAsync(server, "Sec-WebSocket-Protocol: a, b")).ShouldContain("Sec-WebSocket-Protocol: b\r\n");
        (await AnswerAsync(server, "Sec-WebSocket-Protocol: x, a")).ShouldContain("Sec-WebSocket-Protocol: a\r\n");
        (await AnswerAsync(server, "Sec-WebSocket-Protocol: x")).ShouldNotContain("Sec-WebSocket-Protocol");
    }

    [Fact]
    public async Task A_client_that_never_finishes_its_request_is_let_go()
    {
        await using var server = await RunningServer.ServeAsync("--handshake-timeout", "200ms");
        using var peer = await RawPeer.DialAsync(server.Url);
        await peer.WriteAsync("GET /echo HTTP/1.1\r\nHost: ");

        (await peer.ReadHeadAsync()).ShouldStartWith("HTTP/1.1 408 ");
    }

    private static async Task<string> AnswerAsync(RunningServer server, params string[] headers)
    {
        using var peer = await RawPeer.DialAsync(server.Url);
        return await peer.RequestAsync(server.Url, "/echo", headers);
    }
}
