using System.Text;

namespace Sluice.Client.Tests;

/// <summary>A server that answers something else than a 101.</summary>
public sealed class RefusalTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task A_refusal_has_status_reason_headers_and_body()
    {
        const string Body = "no such room\nsecond line";
        var error = await RefuseAsync($"HTTP/1.1 403 Go Away\r\nX-Why: a\r\nx-why: b\r\nContent-Type: text/plain\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
        error.Failure.ShouldBe(ConnectFailure.Refused);
        error.Status.ShouldBe(403);
        error.Reason.ShouldBe("Go Away");
        error.Headers["X-WHY"].ShouldBe(["a", "b"]);
        error.Headers["content-type"].ShouldBe(["text/plain"]);
        Encoding.UTF8.GetString(error.Body.Span).ShouldBe(Body);
        error.Message.ShouldBe($"ws://127.0.0.1:{_server.Port} refused the WebSocket with 403 Go Away: \"no such room\"");
    }

    [Fact]
    public async Task A_401_says_what_it_wants()
    {
        var error = await RefuseAsync("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
        error.Status.ShouldBe(401);
        error.Headers["WWW-Authenticate"].ShouldBe(["Basic realm=\"x\""]);
        error.Message.ShouldContain("credentials");
        error.Body.Length.ShouldBe(0);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        using var elsewhere = new RawServer();
        var error = await RefuseAsync($"HTTP/1.1 302 Found\r\nLocation: {elsewhere.Url}\r\nContent-Length: 0\r\n\r\n");
        error.Status.ShouldBe(302);
        error.Headers["Location"].ShouldBe([elsewhere.Url]);
        error.Message.ShouldContain("redirects are not followed");
        elsewhere.HasPending.ShouldBeFalse("nobody connected there");
    }

    [Fact]
    public async Task A_page_instead_of_a_socket_says_so()
    {
        var error = await RefuseAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        error.Status.ShouldBe(200);
        error.Message.ShouldContain("serves something else");
    }

    [Fact]
    public async Task Hostile_words_are_escaped_in_the_message_and_bounded()
    {
        var body = "\u001b[31m<script>" + new string('x', 5000);
        var error = await RefuseAsync($"HTTP/1.1 400 {new string('r', 3000)}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        error.Message.Length.ShouldBeLessThan(400);
        error.Message.ShouldNotContain("\u001b");
        error.Message.ShouldNotContain("<");
        error.Body.Length.ShouldBe(body.Length);
    }

    [Fact]
    public async Task A_body_without_end_is_cut()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, new() { MaxRefusalBody = 10_000 });
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        var sending = Task.Run(async () =>
        {
            await peer.SendAsync("HTTP/1.1 500 Oops\r\n\r\n");
            var block = RawPeer.Bytes(new string('x', 64 * 1024));
            while (true) await peer.SendAsync(block);
        });
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Status.ShouldBe(500);
        error.Body.Length.ShouldBe(10_000);
        await Should.ThrowAsync<IOException>(sending.Guarding()); // the client has closed
    }

    [Fact]
    public async Task A_body_that_never_comes_does_not_hold_the_answer_up()
    {
        // The handshake's own time ends the wait here; the status that came is the result all the same.
        var connecting = WebSocketClient.ConnectAsync(_server.Url, new() { HandshakeTimeout = TimeSpan.FromSeconds(1) });
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync("HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nhalf");
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Status.ShouldBe(503);
        error.Failure.ShouldBe(ConnectFailure.Refused);
        Encoding.ASCII.GetString(error.Body.Span).ShouldBe("half");
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task A_flood_of_headers_is_cut()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        var sending = Task.Run(async () =>
        {
            await peer.SendAsync("HTTP/1.1 101 Switching Protocols\r\n");
            for (var i = 0; ; i++) await peer.SendAsync($"X-Flood-{i}: {new string('x', 1000)}\r\n");
        });
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.InvalidResponse);
        error.Status.ShouldBeNull();
        error.Message.ShouldContain("MaxResponseHeaderSize of 32 KiB");
        await Should.ThrowAsync<IOException>(sending.Guarding());
    }

    [Fact]
    public async Task A_header_line_without_end_is_cut()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        var sending = Task.Run(async () =>
        {
            var block = RawPeer.Bytes(new string('x', 64 * 1024));
            while (true) await peer.SendAsync(block);
        });
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.InvalidResponse);
        await Should.ThrowAsync<IOException>(sending.Guarding());
    }

    [Fact]
    public async Task What_is_not_HTTP_is_named_so_and_escaped()
    {
        var error = await RefuseAsync("SSH-2.0-OpenSSH\u001b[31m\r\n\r\n");
        error.Failure.ShouldBe(ConnectFailure.InvalidResponse);
        error.Status.ShouldBeNull();
        error.Message.ShouldContain("did not answer with HTTP");
        error.Message.ShouldNotContain("\u001b");
    }

    private async Task<HandshakeException> RefuseAsync(string answer)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        var served = _server.AnswerAsync(_ => answer);
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        await served; // the client has closed the connection
        return error;
    }
}
