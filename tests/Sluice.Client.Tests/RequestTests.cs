namespace Sluice.Client.Tests;

/// <summary>What the client sends.</summary>
public sealed class RequestTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task The_request_is_an_opening_handshake_by_section_4_1()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.OpenAsync();
        await using var connection = await connecting.Guarding();

        peer.Request.ShouldStartWith("GET /path?a=b HTTP/1.1\r\n");
        peer.Values("Host").ShouldBe([$"127.0.0.1:{_server.Port}"]);
        peer.Values("Upgrade").ShouldBe(["websocket"]);
        peer.Values("Connection").ShouldBe(["Upgrade"]);
        peer.Values("Sec-WebSocket-Version").ShouldBe(["13"]);
        Convert.FromBase64String(peer.Values("Sec-WebSocket-Key").Single()).Length.ShouldBe(16);
        peer.Values("Origin").ShouldBeEmpty();
        peer.Values("Cookie").ShouldBeEmpty();
        peer.Values("Sec-WebSocket-Protocol").ShouldBeEmpty();
        peer.Values("Sec-WebSocket-Extensions").ShouldBeEmpty();
        connection.Role.ShouldBe(Protocol.Role.Client);
        connection.Subprotocol.ShouldBeNull();
        connection.Abort();
    }

    [Fact]
    public async Task Headers_cookies_origin_and_subprotocols_are_sent_as_given()
    {
        var options = new WebSocketClientOptions
        {
            Headers = [new("Authorization", "Bearer a.b.c"), new("Cookie", "a=1; b=2"), new("X-Twice", "1"), new("X-Twice", "2"), new("Host", "example.org")],
            Origin = "https://example.org",
            Subprotocols = ["chat.v2", "chat.v1"],
        };
        var connecting = WebSocketClient.ConnectAsync(_server.Url, options);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync(peer.Answer("Sec-WebSocket-Protocol: chat.v1"));
        await using var connection = await connecting.Guarding();

        peer.Values("Authorization").ShouldBe(["Bearer a.b.c"]);
        peer.Values("Cookie").ShouldBe(["a=1; b=2"]);
        string.Join(", ", peer.Values("X-Twice")).ShouldBe("1, 2");
        peer.Values("Host").ShouldBe(["example.org"]);
        peer.Values("Origin").ShouldBe(["https://example.org"]);
        peer.Values("Sec-WebSocket-Protocol").ShouldBe(["chat.v2, chat.v1"]);
        connection.Subprotocol.ShouldBe("chat.v1");
        connection.Abort();
    }

    [Fact]
    public async Task An_http_url_will_do()
    {
        var connecting = WebSocketClient.ConnectAsync(new Uri($"http://127.0.0.1:{_server.Port}"));
        using var peer = await _server.OpenAsync();
        await using var connection = await connecting.Guarding();
        peer.Request.ShouldStartWith("GET / HTTP/1.1\r\n");
        connection.Abort();
    }

    [Theory]
    [InlineData("example.org/path", "absolute")]
    [InlineData("/path", "ws, wss, http or https")]
    [InlineData("ftp://example.org/", "ws, wss, http or https")]
    [InlineData("ws://example.org/#part", "fragment")]
    [InlineData("ws://user:secret@example.org/", "Authorization")]
    public void A_url_that_can_not_work_is_refused(string url, string word)
    {
        var error = Should.Throw<ArgumentException>(() => { _ = WebSocketClient.ConnectAsync(url); });
        error.Message.ShouldContain(word);
        error.Message.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData("Upgrade", "websocket", "handshake sets it")]
    [InlineData("connection", "close", "handshake sets it")]
    [InlineData("Sec-WebSocket-Key", "x", "handshake sets it")]
    [InlineData("Sec-WebSocket-Protocol", "chat", "Subprotocols")]
    [InlineData("Origin", "https://example.org", "use Origin")]
    [InlineData("Content-Type", "text/plain", "no body")]
    [InlineData("Transfer-Encoding", "chunked", "no body")]
    [InlineData("A header", "x", "no header name")]
    [InlineData("", "x", "no header name")]
    [InlineData("X-Split", "a\r\nX-Other: b", "printable ASCII")]
    [InlineData("X-Nul", "a\0b", "printable ASCII")]
    [InlineData("X-Wide", "\u00fc", "printable ASCII")]
    public void A_header_that_is_not_the_callers_or_malformed_is_refused(string name, string value, string word)
        => Should.Throw<ArgumentException>(() => new WebSocketClientOptions { Headers = [new(name, value)] }).Message.ShouldContain(word);

    [Fact]
    public void An_origin_that_would_split_the_header_is_refused()
        => Should.Throw<ArgumentException>(() => new WebSocketClientOptions { Origin = "https://a\r\nX: y" });

    [Fact]
    public void A_handler_that_follows_redirects_is_refused()
    {
        using var handler = new SocketsHttpHandler();
        var options = new WebSocketClientOptions { Handler = handler };
        Should.Throw<ArgumentException>(() => { _ = WebSocketClient.ConnectAsync(_server.Url, options); }).Message.ShouldContain("AllowAutoRedirect");
    }
}
