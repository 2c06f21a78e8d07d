using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

/// <summary>Requests that two readers might split differently: each is refused, or reaches the backend as exactly one.</summary>
public class SmugglingTest
{
    [Theory]
    [InlineData("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!", "400 Bad Request")]
    [InlineData("Content-Length: 5, 5\r\n", "hello", "400 Bad Request")]
    [InlineData("Content-Length : 5\r\n", "hello", "400 Bad Request")]
    [InlineData("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", "400 Bad Request")]
    [InlineData("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", "400 Bad Request")]
    [InlineData("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", "501 Not Implemented")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "501 Not Implemented")]
    [InlineData("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n", "501 Not Implemented")]
    [InlineData("Host: other\r\n", "", "400 Bad Request")]
    [InlineData("X-A: 1\r\n folded\r\n", "", "400 Bad Request")]
    [InlineData("X-A: 1\r2\r\n", "", "400 Bad Request")]
    public async Task Unclear_framing_is_refused_RFC9112_11_2(string fields, string body, string status)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"POST /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 " + status);
        await wire.ReadToEndAsync(); // and the connection ends
        backend.HasConnection.ShouldBeFalse();
    }

    [Fact]
    public async Task A_length_that_contradicts_the_chunks_never_reaches_the_backend_RFC9112_6_3()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        var head = await seen.ReadHeadAsync();
        head["Content-Length"].ShouldBeNull();
        head["Transfer-Encoding"].ShouldBe("chunked");
        ForwardedResponseTest.Unchunked(await seen.ReadToAsync("0\r\n\r\n")).ShouldBe("hello");
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        (await wire.ReadHeadAsync())["Connection"].ShouldBe("close");
        (await wire.ReadToEndAsync()).ShouldBe("");
    }

    [Theory]
    [InlineData("GET /a\tb HTTP/1.1")]
    [InlineData("GET /a\rb HTTP/1.1")]
    [InlineData("GET /a\u007f HTTP/1.1")]
    public async Task A_target_that_another_reader_might_split_is_refused(string startLine)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"{startLine}\r\nHost: a\r\n\r\n");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 400 Bad Request");
        await wire.ReadToEndAsync();
        backend.HasConnection.ShouldBeFalse();
    }

    [Theory]
    [InlineData("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n")]
    [InlineData("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")]
    [InlineData("connect /x HTTP/1.1\r\nHost: a\r\n")]
    public async Task CONNECT_is_refused_and_what_follows_it_is_not_served(string head)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"{head}\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 501 Not Implemented");
        (await wire.ReadToEndAsync()).ShouldBe("501: CONNECT is not for a reverse proxy\n");
        backend.HasConnection.ShouldBeFalse();
    }

    [Fact]
    public async Task A_length_that_Kestrel_reads_leniently_arrives_plain()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello");
        using var seen = await backend.AcceptAsync();
        (await seen.ReadHeadAsync())["Content-Length"].ShouldBe("5");
        (await seen.ReadAsync(5)).ShouldBe("hello");
    }

    [Fact]
    public async Task Pipelined_requests_are_forwarded_one_by_one_in_order()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        (await seen.ReadHeadAsync()).Start.ShouldBe("POST /1 HTTP/1.1");
        (await seen.ReadAsync(3)).ShouldBe("one");
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
        await wire.ReadHeadAsync();
        (await wire.ReadAsync(1)).ShouldBe("1");
        (await seen.ReadHeadAsync()).Start.ShouldBe("GET /2 HTTP/1.1"); // over the same connection, taken from the pool
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2");
        await wire.ReadHeadAsync();
        (await wire.ReadAsync(1)).ShouldBe("2");
    }

    [Fact]
    public async Task An_upgrade_with_a_body_is_a_plain_request()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{UpgradeTest.Fields}Content-Length: 3\r\n\r\nabc");
        using var seen = await backend.AcceptAsync();
        (await seen.ReadHeadAsync())["Upgrade"].ShouldBeNull();
        (await seen.ReadAsync(3)).ShouldBe("abc");
    }

    [Fact]
    public async Task OPTIONS_asterisk_is_answered_here()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        (await proxy.AskAsync("OPTIONS * HTTP/1.1")).Head.Start.ShouldBe("HTTP/1.1 204 No Content");
        backend.HasConnection.ShouldBeFalse();
    }
}
