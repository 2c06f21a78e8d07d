using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

/// <summary>What the client gets of what the backend sent.</summary>
public class ForwardedResponseTest
{
    [Fact]
    public async Task Status_reason_fields_and_body_pass_as_they_are()
    {
        var (head, body) = await GotAsync("HTTP/1.1 418 I'm a teapot\r\nX-A: 1\r\nX-A: 2, 3\r\nServer: odd/(1\r\nDate: not a date\r\nETag: odd\r\nContent-Length: 5\r\n\r\nshort");
        head.Start.ShouldBe("HTTP/1.1 418 I'm a teapot");
        head["X-A"].ShouldBe("1|2, 3");
        head["Server"].ShouldBe("odd/(1");
        head["Date"].ShouldBe("not a date");
        head["ETag"].ShouldBe("odd");
        head["Content-Length"].ShouldBe("5");
        head["Transfer-Encoding"].ShouldBeNull();
        body.ShouldBe("short");
    }

    [Fact]
    public async Task Redirects_are_not_followed_cookies_not_kept_coded_bodies_not_decoded()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        var first = backend.AnswerAsync("HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnot!");
        var (head, body) = await proxy.AskAsync("GET /x HTTP/1.1");
        await first;
        head.Start.ShouldBe("HTTP/1.1 302 Found");
        head["Location"].ShouldBe("http://elsewhere.test/");
        head["Set-Cookie"].ShouldBe("a=1; Path=/|b=2");
        head["Content-Encoding"].ShouldBe("gzip");
        body.ShouldBe("not!");

        var second = backend.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        await proxy.AskAsync("GET /x HTTP/1.1");
        (await second)["Cookie"].ShouldBeNull();
    }

    [Fact]
    public async Task Hop_by_hop_fields_stay_RFC9110_7_6_1()
    {
        var (head, _) = await GotAsync(
            "HTTP/1.1 200 OK\r\nConnection: X-Secret, close\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X-T\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n");
        foreach (var name in new[] { "X-Secret", "Keep-Alive", "Proxy-Authenticate", "Upgrade", "Trailer" }) head[name].ShouldBeNull(name);
        head["Connection"].ShouldBe("close"); // the client asked for it
        head["X-Kept"].ShouldBe("1");
    }

    [Fact]
    public async Task Bytes_above_127_in_fields_pass()
    {
        var (head, _) = await GotAsync("HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=\"\u00c3\u00a9\"\r\nX-Latin: \u00e9\r\nContent-Length: 0\r\n\r\n");
        head["Content-Disposition"].ShouldBe("attachment; filename=\"\u00c3\u00a9\"");
        head["X-Latin"].ShouldBe("\u00e9");
    }

    [Theory]
    [InlineData("HEAD", "200 OK", "Content-Length: 5\r\n", "5")]
    [InlineData("HEAD", "404 Not Found", "Transfer-Encoding: chunked\r\n", null)]
    [InlineData("GET", "304 Not Modified", "Content-Length: 5\r\nETag: \"a\"\r\n", "5")]
    [InlineData("GET", "304 Not Modified", "ETag: \"a\"\r\n", null)]
    [InlineData("GET", "204 No Content", "Content-Length: 0\r\n", null)]
    [InlineData("GET", "204 No Content", "", null)]
    public async Task Responses_without_a_body_pass_without_one(string method, string status, string fields, string? length)
    {
        var (head, body) = await GotAsync($"HTTP/1.1 {status}\r\n{fields}\r\n", method);
        head.Start.ShouldBe("HTTP/1.1 " + status);
        head["Content-Length"].ShouldBe(length);
        body.ShouldBe("");
    }

    [Fact]
    public async Task A_205_loses_the_body_that_it_may_not_have_RFC9110_15_3_6()
    {
        var (head, body) = await GotAsync("HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello");
        head.Start.ShouldBe("HTTP/1.1 205 Reset Content");
        (head["Content-Length"] ?? "0").ShouldBe("0");
        body.ShouldBe("");
    }

    [Theory]
    [InlineData("HTTP/1.0 200 OK\r\n\r\nto the end")]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nto \r\n7;ext=1\r\nthe end\r\n0\r\nX-T: 1\r\n\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nto the end\r\n0\r\n\r\n")]
    public async Task A_body_of_unknown_length_is_sent_in_chunks(string response)
    {
        var (head, body) = await GotAsync(response);
        head.Start.ShouldBe("HTTP/1.1 200 OK");
        if (head["Transfer-Encoding"] is null) body.ShouldBe("to the end"); // Connection: close ends it as well
        else Unchunked(body).ShouldBe("to the end");
    }

    [Fact]
    public async Task An_odd_status_passes()
    {
        var (head, body) = await GotAsync("HTTP/1.1 599 \r\nContent-Length: 1\r\n\r\nx");
        head.Start.TrimEnd().ShouldBe("HTTP/1.1 599");
        body.ShouldBe("x");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Bad: a\u0001b\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX Bad: ab\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")]
    [InlineData("HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le")]
    [InlineData("")]
    public async Task An_answer_that_is_not_clean_HTTP_becomes_502_with_a_reason(string response)
    {
        var (head, body) = await GotAsync(response);
        head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        head["Content-Type"].ShouldBe("text/plain; charset=utf-8");
        head.Fields.Count.ShouldBe(5, head.Text); // nothing of the backend's is left: length, type, connection, date, server
        body.ShouldStartWith("502: the backend");
        body.ShouldEndWith("\n");
    }

    [Fact]
    public async Task A_reason_that_is_not_visible_ASCII_is_left_out()
    {
        var (head, _) = await GotAsync("HTTP/1.1 200 tr\u00e8s\tbien\r\nContent-Length: 0\r\n\r\n");
        head.Start.ShouldBe("HTTP/1.1 200 OK");
    }

    [Fact]
    public async Task Chunks_win_over_a_length_that_contradicts_them_RFC9112_6_3()
    {
        var (head, body) = await GotAsync("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        head["Content-Length"].ShouldBeNull();
        (head["Transfer-Encoding"] is null ? body : Unchunked(body)).ShouldBe("hello");
    }

    [Fact]
    public async Task Bytes_beyond_the_length_never_reach_a_client()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        var first = backend.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
        (await wire.ReadHeadAsync())["Content-Length"].ShouldBe("2");
        (await wire.ReadAsync(2)).ShouldBe("ok");
        await wire.SendAsync("GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        await first;
        (await backend.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")).Start.ShouldBe("GET /2 HTTP/1.1");
        await wire.ReadHeadAsync();
        (await wire.ReadToEndAsync()).ShouldBe("true");
    }

    [Fact]
    public async Task Large_response_headers_pass_and_huge_ones_become_502()
    {
        var (fits, _) = await GotAsync($"HTTP/1.1 200 OK\r\nX-A: {new string('a', 60_000)}\r\nContent-Length: 0\r\n\r\n");
        fits["X-A"]!.Length.ShouldBe(60_000);
        var (huge, body) = await GotAsync($"HTTP/1.1 200 OK\r\nX-A: {new string('a', 70_000)}\r\nContent-Length: 0\r\n\r\n");
        huge.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        body.ShouldContain("headers are too large");
        var (many, _) = await GotAsync($"HTTP/1.1 200 OK\r\n{string.Concat(Enumerable.Range(0, 20_000).Select(i => $"X{i}: \r\n"))}Content-Length: 0\r\n\r\n");
        many.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        var (hints, _) = await GotAsync(string.Concat(Enumerable.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 2_000)) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        hints.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
    }

    internal static string Unchunked(string body)
    {
        var result = "";
        while (true)
        {
            var line = body.IndexOf("\r\n", StringComparison.Ordinal);
            var length = Convert.ToInt32(body[..line].Split(';')[0], 16);
            if (length == 0) return result;
            result += body.Substring(line + 2, length);
            body = body[(line + 2 + length + 2)..];
        }
    }

    private static async Task<(Head Head, string Body)> GotAsync(string response, string method = "GET")
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var stop = new CancellationTokenSource();
        var answering = AnswerAllAsync(backend, response, stop.Token);
        var got = await proxy.AskAsync($"{method} /x HTTP/1.1");
        await stop.CancelAsync();
        backend.Dispose();
        await answering;
        return got;
    }

    // The handler tries a connection that closed without an answer once more.
    private static async Task AnswerAllAsync(WireBackend backend, string response, CancellationToken stopped)
    {
        try
        {
            while (true) await backend.AnswerAsync(response);
        }
        catch (Exception) when (stopped.IsCancellationRequested)
        {
        }
        catch (EndOfStreamException)
        {
        }
    }
}
