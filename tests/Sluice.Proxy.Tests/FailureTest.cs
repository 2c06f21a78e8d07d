using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

public class FailureTest
{
    [Fact]
    public async Task A_port_where_nobody_listens_gives_502_and_says_so()
    {
        int port;
        using (var gone = new WireBackend()) port = gone.Port;
        await using var proxy = await TestHost.ProxyAsync($"http://127.0.0.1:{port}");
        var (head, body) = await proxy.AskAsync("GET /x HTTP/1.1");
        head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        body.ShouldBe("502: the backend refused the connection (connection refused)\n");
        var line = proxy.Log.Ours.ShouldHaveSingleItem();
        line.Id.ShouldBe(1);
        line.Level.ShouldBe(LogLevel.Warning);
        line.Text.ShouldStartWith("GET /x: 502, Refused:");
        proxy.Metrics["sluice.proxy.failures/refused"].ShouldBe(1);
        proxy.Metrics["sluice.proxy.requests/502"].ShouldBe(1);
    }

    [Fact]
    public async Task A_HEAD_request_gets_the_failure_without_the_text()
    {
        int port;
        using (var gone = new WireBackend()) port = gone.Port;
        await using var proxy = await TestHost.ProxyAsync($"http://127.0.0.1:{port}");
        var (head, body) = await proxy.AskAsync("HEAD /x HTTP/1.1");
        head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        body.ShouldBe("");
    }

    [Fact]
    public async Task A_name_that_does_not_exist_gives_502_and_says_so()
    {
        await using var proxy = await TestHost.ProxyAsync("http://no-such-host.invalid");
        var (head, body) = await proxy.AskAsync("GET /x HTTP/1.1");
        head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        body.ShouldContain("DNS");
        body.ShouldNotContain("no-such-host");
    }

    [Fact]
    public async Task A_backend_that_resets_before_it_answers_gives_502_and_says_so()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        var asked = proxy.AskAsync("GET /x HTTP/1.1");
        using (var seen = await backend.AcceptAsync())
        {
            await seen.ReadHeadAsync();
            seen.Reset();
        }

        var (head, body) = await asked;
        head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        body.ShouldContain("reset");
        proxy.Metrics["sluice.proxy.failures/reset"].ShouldBe(1);
    }

    [Fact]
    public async Task A_backend_that_stays_silent_gives_504()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time });
        var asked = proxy.AskAsync("GET /x HTTP/1.1");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        await seen.SendAsync("HTTP/1.1 200 OK\r\nX-Slow:"); // a part of the headers does not count
        time.Advance(TimeSpan.FromSeconds(99));
        asked.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        var (head, body) = await asked;
        head.Start.ShouldBe("HTTP/1.1 504 Gateway Timeout");
        body.ShouldBe("504: the backend did not answer in time\n");
        (await seen.ReadToEndAsync()).ShouldBe(""); // and the request is given up
        proxy.Metrics["sluice.proxy.failures/response_timeout"].ShouldBe(1);
    }

    [Fact]
    public async Task The_clock_stands_while_the_client_sends_its_body()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time });
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
        using var seen = await backend.AcceptAsync();
        await seen.ReadToAsync("hello");
        await time.WaitForNoTimerAsync();
        time.Advance(TimeSpan.FromHours(1));
        await wire.SendAsync("world");
        await seen.ReadToAsync("world");
        await time.WaitForTimerAsync(TimeSpan.FromSeconds(100));
        time.Advance(TimeSpan.FromSeconds(100));
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 504 Gateway Timeout");
    }

    [Fact]
    public async Task A_backend_that_takes_the_body_no_more_gives_504()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time }, k => k.Limits.MinRequestBodyDataRate = null);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        (await Flood.UntilBlockedAsync(wire.Socket, 256 * 1024 * 1024)).ShouldBeLessThan(64 * 1024 * 1024);
        wire.Socket.Blocking = true;
        await time.WaitForTimerAsync(TimeSpan.FromSeconds(100));
        time.Advance(TimeSpan.FromSeconds(100));
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 504 Gateway Timeout");
    }

    [Fact]
    public async Task A_backend_that_does_not_finish_TLS_in_time_gives_504()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync($"https://127.0.0.1:{backend.Port}", new() { TimeProvider = time });
        var asked = proxy.AskAsync("GET /x HTTP/1.1");
        using var seen = await backend.AcceptAsync();
        await seen.ReadAsync(1); // the client's hello
        time.Advance(TimeSpan.FromSeconds(5));
        var (head, body) = await asked;
        head.Start.ShouldBe("HTTP/1.1 504 Gateway Timeout");
        body.ShouldContain("did not take the connection in time");
        proxy.Metrics["sluice.proxy.failures/connect_timeout"].ShouldBe(1);
    }

    [Theory]
    [InlineData("Content-Length: 100\r\n\r\npart", "")]
    [InlineData("Content-Length: 100\r\n\r\npart", "more")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", "")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", "nonsense\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n", "ffffffffffffffffff\r\n")]
    public async Task A_response_that_breaks_off_cuts_the_client_and_is_never_made_whole(string response, string rest)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        using (var seen = await backend.AcceptAsync())
        {
            await seen.ReadHeadAsync();
            await seen.SendAsync("HTTP/1.1 200 OK\r\n" + response);
            await wire.ReadToAsync("part");
            await seen.SendAsync(rest);
        }

        try
        {
            (await wire.ReadToEndAsync()).ShouldNotContain("0\r\n\r\n");
        }
        catch (SocketException e)
        {
            e.SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
        }

        (await proxy.Log.WaitAsync(4)).Level.ShouldBe(LogLevel.Warning);
    }

    [Fact]
    public async Task A_client_that_goes_away_takes_its_backend_request_along_in_one_line()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        wire.Reset();
        await seen.IsResetAsync();
        (await proxy.Log.WaitAsync(3)).Level.ShouldBe(LogLevel.Debug);
        proxy.Log.Ours.ShouldHaveSingleItem();
        proxy.Log.All.ShouldNotContain(l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_client_that_goes_away_amid_its_body_takes_its_backend_request_along()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart");
        using var seen = await backend.AcceptAsync();
        await seen.ReadToAsync("part");
        wire.Reset();
        await seen.IsResetAsync();
        await proxy.Log.WaitAsync(3);
        proxy.Log.All.ShouldNotContain(l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_client_that_goes_away_amid_the_response_takes_the_backends_along()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        await seen.ReadHeadAsync();
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart");
        await wire.ReadToAsync("part");
        wire.Reset();
        await seen.IsResetAsync();
        await proxy.Log.WaitAsync(3);
        proxy.Log.All.ShouldNotContain(l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_backend_that_comes_back_is_used_again()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await using var proxy = await TestHost.ProxyAsync($"http://127.0.0.1:{port}");
        listener.Stop();
        (await proxy.AskAsync("GET /x HTTP/1.1")).Head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");

        using var again = new TcpListener(IPAddress.Loopback, port);
        again.Start();
        var asked = proxy.AskAsync("GET /x HTTP/1.1");
        using var seen = new Wire(await again.AcceptSocketAsync().Guarded());
        await seen.ReadHeadAsync();
        await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        (await asked).Head.Start.ShouldBe("HTTP/1.1 200 OK");
    }
}
