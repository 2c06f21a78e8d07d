using Microsoft.Extensions.Logging;
using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

public class UpgradeTest
{
    internal const string Fields = "Host: front.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

    [Fact]
    public async Task The_handshake_arrives_as_it_came()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url + "/base");
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /a%2Fb?c HTTP/1.1\r\n{Fields}Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin: http://front.test\r\nCookie: a=1\r\nX-A: 1\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        (await seen.ReadHeadAsync()).Text.Split("\r\n").ShouldBe(
            ("GET /base/a%2Fb?c HTTP/1.1\r\nHost: front.test\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin: http://front.test\r\nCookie: a=1\r\nX-A: 1\r\n"
            + "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: front.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").Split("\r\n"),
            ignoreOrder: true);
    }

    [Fact]
    public async Task The_101_reaches_the_client_with_the_backends_fields()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\n");
        using var seen = await backend.AcceptAsync();
        var request = await seen.ReadHeadAsync();
        await seen.SendAsync(WireBackend.Accepting(request, fields: "Sec-WebSocket-Protocol: b\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n"));
        var head = await wire.ReadHeadAsync();
        head.Start.ShouldBe("HTTP/1.1 101 Switching Protocols");
        head["Upgrade"].ShouldBe("websocket");
        head["Connection"].ShouldBe("Upgrade");
        head["Sec-WebSocket-Accept"].ShouldBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); // RFC 6455 §1.3
        head["Sec-WebSocket-Protocol"].ShouldBe("b");
        head["Set-Cookie"].ShouldBe("a=1|b=2");
        head["Keep-Alive"].ShouldBeNull();
        head["Content-Length"].ShouldBeNull();
    }

    [Theory]
    [InlineData("HTTP/1.1 403 Forbidden\r\nX-Why: origin\r\nContent-Length: 6\r\n\r\ndenied", "403 Forbidden", "denied")]
    [InlineData("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nX-Why: origin\r\nContent-Length: 3\r\n\r\nold", "426 Upgrade Required", "old")]
    [InlineData("HTTP/1.1 200 Fine\r\nX-Why: origin\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nplain\r\n0\r\n\r\n", "200 Fine", "5\r\nplain\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: /login\r\nX-Why: origin\r\nContent-Length: 0\r\n\r\n", "302 Found", "")]
    [InlineData("HTTP/1.1 503 Busy\r\nX-Why: origin\r\nConnection: close\r\n\r\nto the end", "503 Busy", "to the end")]
    public async Task A_refusal_reaches_the_client_as_it_is_and_closes_RFC6455_4_2_2(string response, string status, string body)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();

        // Requests behind it: a proxy that tunnels them, or serves them, is one that can be smuggled through.
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\nGET /behind HTTP/1.1\r\nHost: a\r\n\r\n");
        using (var seen = await backend.AcceptAsync())
        {
            (await seen.ReadHeadAsync()).Start.ShouldBe("GET /ws HTTP/1.1");
            await seen.SendAsync(response);
            seen.EndSending();
            (await seen.ReadToEndAsync()).ShouldBe("");
        }

        var head = await wire.ReadHeadAsync();
        head.Start.ShouldBe("HTTP/1.1 " + status);
        head["X-Why"].ShouldBe("origin");
        head["Connection"].ShouldBe("close");
        head["Sec-WebSocket-Version"].ShouldBe(status.StartsWith("426", StringComparison.Ordinal) ? "13" : null);
        var rest = await wire.ReadToEndAsync();
        (rest == body || ForwardedResponseTest.Unchunked(rest) == body).ShouldBeTrue(rest);
        (await proxy.Log.WaitAsync(6)).Level.ShouldBe(LogLevel.Debug);
        proxy.Metrics["sluice.proxy.upgrades/refused"].ShouldBe(1);
        proxy.Log.Ours.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_426_keeps_its_Upgrade_field_RFC9110_15_5_22()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\n");
        await backend.AnswerAsync("HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n");
        var head = await wire.ReadHeadAsync();
        head.Start.ShouldBe("HTTP/1.1 426 Upgrade Required");
        head["Upgrade"].ShouldBe("websocket");
        (await wire.ReadToEndAsync()).ShouldBe("");
    }

    [Theory]
    [InlineData("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n", "does not answer the key")]
    [InlineData("Upgrade: websocket\r\nConnection: Upgrade\r\n", "does not answer the key")]
    [InlineData("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n", "does not answer the key")]
    [InlineData("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "does not answer the key")]
    [InlineData("Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Upgrade is not websocket")]
    [InlineData("Upgrade: h2c, websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Upgrade is not websocket")]
    [InlineData("Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Upgrade is not websocket")]
    [InlineData("Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Connection does not name Upgrade")]
    [InlineData("Upgrade: websocket\r\nConnection: close\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "Connection does not name Upgrade")]
    public async Task A_101_that_does_not_answer_the_handshake_is_502_and_no_tunnel_RFC6455_4_1(string fields, string reason)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        await seen.SendAsync($"HTTP/1.1 101 Switching Protocols\r\n{fields}\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
        var head = await wire.ReadHeadAsync();
        head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        var rest = await wire.ReadToEndAsync();
        rest.ShouldContain(reason);
        rest.ShouldNotContain("forged");
        (await seen.ReadToEndAsync()).ShouldBe("");
        proxy.Metrics["sluice.proxy.failures/invalid_upgrade"].ShouldBe(1);
        proxy.Metrics["sluice.proxy.tunnels"].ShouldBe(0);
    }

    [Theory]
    [InlineData("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Sec-WebSocket-Key: short\r\n")]
    [InlineData("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")]
    [InlineData("Sec-WebSocket-Version", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version")]
    public async Task A_key_that_no_101_could_answer_is_refused_here_RFC6455_4_2_1(string from, string to)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields.Replace(from, to, StringComparison.Ordinal)}\r\n");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 400 Bad Request");
        (await wire.ReadToEndAsync()).ShouldContain("Sec-WebSocket-Key");
    }

    [Theory]
    [InlineData("POST", "Connection: Upgrade\r\nUpgrade: websocket\r\n")]
    [InlineData("GET", "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n")]
    [InlineData("GET", "Connection: close\r\nUpgrade: websocket\r\n")]
    [InlineData("GET", "Connection: Upgrade\r\n")]
    public async Task What_is_no_websocket_upgrade_goes_on_as_a_plain_request_RFC9110_7_8(string method, string fields)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"{method} /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n");
        using var seen = await backend.AcceptAsync();
        var head = await seen.ReadHeadAsync();
        head["Upgrade"].ShouldBeNull();
        head["Connection"].ShouldBeNull();

        // And a backend that upgrades nevertheless opens nothing.
        await seen.SendAsync(WireBackend.Accepting(head));
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
    }

    [Fact]
    public async Task A_backend_that_is_down_gives_502_and_one_that_is_silent_504()
    {
        int port;
        using (var gone = new WireBackend()) port = gone.Port;
        await using (var proxy = await TestHost.ProxyAsync($"http://127.0.0.1:{port}"))
        {
            using var wire = await proxy.ConnectAsync();
            await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\n");
            (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
            (await wire.ReadToEndAsync()).ShouldContain("connection refused");
        }

        var time = new ManualTime();
        using var silent = new WireBackend();
        await using var patient = await TestHost.ProxyAsync(silent.Url, new() { TimeProvider = time });
        using var waiting = await patient.ConnectAsync();
        await waiting.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\n");
        using var seen = await silent.AcceptAsync();
        await seen.ReadHeadAsync();
        time.Advance(TimeSpan.FromSeconds(100));
        (await waiting.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 504 Gateway Timeout");
        await waiting.ReadToEndAsync();
        (await seen.ReadToEndAsync()).ShouldBe("");
    }

    [Fact]
    public async Task Over_the_servers_limit_of_upgrades_the_client_gets_503_and_the_backends_connection_ends()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, kestrel: k => k.Limits.MaxConcurrentUpgradedConnections = 1);
        using var first = await TunnelTest.OpenAsync(proxy, backend);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.SendAsync(WireBackend.Accepting(await seen.ReadHeadAsync()));
        var head = await wire.ReadHeadAsync();
        head.Start.ShouldBe("HTTP/1.1 503 Service Unavailable");
        head["Sec-WebSocket-Accept"].ShouldBeNull();
        (await seen.ReadToEndAsync()).ShouldBe("");
    }

    [Fact]
    public async Task A_client_that_goes_away_amid_the_handshake_takes_it_along()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{Fields}\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        wire.Reset();
        await seen.IsResetAsync();
        await proxy.Log.WaitAsync(3);
        proxy.Log.All.ShouldNotContain(l => l.Level >= LogLevel.Warning);
    }
}
