using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

/// <summary>What the backend gets, byte by byte.</summary>
public class ForwardedRequestTest
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a%2Fb/%41?c=%20d&e", "/a%2Fb/%41?c=%20d&e")]
    [InlineData("/a/../b", "/b")]
    [InlineData("/a//b\\c\"<>|^`{}#f", "/a//b\\c\"<>|^`{}#f")]
    [InlineData("//a.test/b", "//a.test/b")]
    [InlineData("/a?", "/a?")]
    [InlineData("/%ff%E9", "/%ff%E9")]
    [InlineData("http://front.test/a?b", "/a?b")]
    public async Task Targets_arrive_as_they_came(string target, string arrived)
    {
        var head = await SeenAsync($"GET {target} HTTP/1.1");
        head.Start.ShouldBe($"GET {arrived} HTTP/1.1");
    }

    [Theory]
    [InlineData("/base", "/dir?a=1", "/base/dir?a=1")]
    [InlineData("/base/", "/", "/base/")]
    [InlineData("/b%2Fase/?x=%2F", "/d%2Fir?a=1", "/b%2Fase/d%2Fir?x=%2F&a=1")]
    [InlineData("/base", "/../up", "/base/up")]
    [InlineData("/base", "/%2e%2e/%2E%2e/up", "/base/up")]
    public async Task Prefix_and_query_of_the_backend_come_first(string suffix, string target, string arrived)
    {
        var head = await SeenAsync($"GET {target} HTTP/1.1", suffix: suffix);
        head.Start.ShouldBe($"GET {arrived} HTTP/1.1");
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("PROPFIND")]
    [InlineData("M-SEARCH")]
    [InlineData("x!#$%&'*+-.^_`|~1")]
    public async Task Any_method_arrives_without_a_body(string method)
    {
        var head = await SeenAsync($"{method} /x HTTP/1.1");
        head.Start.ShouldBe($"{method} /x HTTP/1.1");
        (head["Content-Length"] ?? "0").ShouldBe("0"); // the handler says so for methods that it does not know
        head["Transfer-Encoding"].ShouldBeNull();
    }

    [Fact]
    public async Task Nothing_is_added_but_who_the_client_is()
    {
        var head = await SeenAsync("GET /x HTTP/1.1", "X-A: 1\r\n");
        head.Text.ShouldBe(
            "GET /x HTTP/1.1\r\nHost: front.test\r\nX-A: 1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: front.test\r\n\r\n");
    }

    [Fact]
    public async Task The_host_is_the_backends_when_asked_for()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { PreserveHost = false });
        var seen = backend.AnswerAsync(Ok);
        await proxy.AskAsync("GET /x HTTP/1.1");
        var head = await seen;
        head["Host"].ShouldBe($"127.0.0.1:{backend.Port}");
        head["X-Forwarded-Host"].ShouldBe("front.test");
    }

    [Fact]
    public async Task A_request_without_a_host_gets_the_backends()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        var seen = backend.AnswerAsync(Ok);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync("GET /x HTTP/1.0\r\n\r\n");
        var head = await seen;
        head.Start.ShouldBe("GET /x HTTP/1.1");
        head["Host"].ShouldBe($"127.0.0.1:{backend.Port}");
        head["X-Forwarded-Host"].ShouldBeNull();
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 200 OK");
    }

    [Theory]
    [InlineData("", "127.0.0.1")]
    [InlineData("X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1, 127.0.0.1")]
    [InlineData("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2, 192.0.2.3\r\n", "192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1")]
    [InlineData("X-Forwarded-For:\r\n", "127.0.0.1")]
    [InlineData("X-Forwarded-For: 192.0.2.1\r\nConnection: X-Forwarded-For\r\n", "127.0.0.1")]
    public async Task The_clients_address_is_appended(string fields, string chain) =>
        (await SeenAsync("GET /x HTTP/1.1", fields))["X-Forwarded-For"].ShouldBe(chain);

    [Fact]
    public async Task What_a_client_says_about_scheme_and_host_is_not_believed()
    {
        var head = await SeenAsync(
            "GET /x HTTP/1.1",
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\nForwarded: for=192.0.2.1;proto=https\r\nConnection: X-Forwarded-Proto, X-Forwarded-Host, Host\r\n");
        head["Host"].ShouldBe("front.test");
        head["X-Forwarded-Proto"].ShouldBe("http");
        head["X-Forwarded-Host"].ShouldBe("front.test");
        head["Forwarded"].ShouldBeNull();
    }

    [Fact]
    public async Task Hop_by_hop_fields_and_those_named_by_Connection_stay_RFC9110_7_6_1()
    {
        var head = await SeenAsync(
            "GET /x HTTP/1.1",
            "Connection: X-Secret, x-other\r\nX-Secret: 1\r\nX-Other: 2\r\nX-Kept: 3\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
            + "Proxy-Authorization: Basic eA==\r\nProxy-Authenticate: Basic\r\nTE: gzip\r\nTrailer: X-T\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nAuthorization: Basic eQ==\r\n");
        foreach (var name in new[] { "Connection", "X-Secret", "X-Other", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "TE", "Trailer", "Upgrade", "HTTP2-Settings" })
        {
            head[name].ShouldBeNull(name);
        }

        head["X-Kept"].ShouldBe("3");
        head["Authorization"].ShouldBe("Basic eQ==");
    }

    [Theory]
    [InlineData("Connection: keep-alive, X-Secret\r\n")]
    [InlineData("Connection: X-Secret,keep-alive\r\n")]
    [InlineData("Connection: close, X-Secret\r\n")]
    [InlineData("Connection: X-Secret, \tClose\r\n")]
    [InlineData("Connection: upgrade, X-Secret\r\n")]
    [InlineData("Connection: keep-alive, close, X-Secret\r\n")]
    [InlineData("Connection: keep-alive\r\nConnection: X-Secret\r\n")]
    [InlineData("Connection: X-Secret\r\nConnection: close\r\n")]
    [InlineData("Connection: Keep-Alive, Keep-Alive\r\nconnection: x-secret\r\n")]
    [InlineData("Connection: ,,keep-alive,\r\nConnection: \r\nConnection: ,X-Secret,\r\n")]
    public async Task Fields_named_beside_options_that_the_server_knows_stay_RFC9110_7_6_1(string connection)
    {
        var head = await SeenAsync("GET /x HTTP/1.1", connection + "X-Secret: 1\r\nX-Kept: 3\r\n");
        head["X-Secret"].ShouldBeNull();
        head["Connection"].ShouldBeNull();
        head["X-Kept"].ShouldBe("3");
    }

    [Theory]
    [InlineData("Connection: keep-alive, Upgrade, X-Secret\r\n")]
    [InlineData("Connection: Upgrade, X-Secret\r\n")]
    [InlineData("Connection: Upgrade\r\nConnection: X-Secret\r\n")]
    public async Task Fields_named_beside_an_upgrade_stay_RFC9110_7_6_1(string connection)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync(
            $"GET /ws HTTP/1.1\r\nHost: a\r\n{connection}X-Secret: 1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        using var seen = await backend.AcceptAsync();
        var head = await seen.ReadHeadAsync();
        head["X-Secret"].ShouldBeNull();
        head["Connection"].ShouldBe("Upgrade");
    }

    [Fact]
    public async Task Every_request_of_a_kept_connection_is_read_so()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        foreach (var connection in new[] { "keep-alive, X-A", "X-A", "keep-alive", "X-B, keep-alive" })
        {
            await wire.SendAsync($"GET /x HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\nX-A: 1\r\nX-B: 1\r\n\r\n");
            using var seen = await backend.AcceptAsync();
            var head = await seen.ReadHeadAsync();
            await seen.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 200 OK");
            (head["X-A"] is null).ShouldBe(connection.Contains("X-A"));
            (head["X-B"] is null).ShouldBe(connection.Contains("X-B"));
        }
    }

    [Theory]
    [InlineData("close, X-\u00e9")]
    [InlineData("keep-alive, X-\0")]
    public async Task A_connection_field_that_no_field_can_be_named_by_is_refused(string connection)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /x HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 400 Bad Request");
        backend.HasConnection.ShouldBeFalse();
    }

    [Fact]
    public async Task Each_of_several_proxies_reads_it_so_and_the_applications_own_encoding_holds()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.StartAsync(
            app =>
            {
                app.MapProxy("/a/{**path}", backend.Url);
                app.MapProxy("/{**path}", backend.Url);
            },
            kestrel => kestrel.RequestHeaderEncodingSelector = static _ => System.Text.Encoding.Latin1);
        foreach (var path in new[] { "/a/x", "/x" })
        {
            var asked = proxy.AskAsync($"GET {path} HTTP/1.1", "Connection: X-A\r\nX-A: 1\r\nX-B: \u00e9\r\n");
            var head = await backend.AnswerAsync(Ok);
            (await asked).Head.Start.ShouldBe("HTTP/1.1 200 OK");
            head["X-A"].ShouldBeNull();
            head["X-B"].ShouldBe("\u00e9");
        }
    }

    [Fact]
    public async Task TE_trailers_goes_on_alone_RFC9110_10_1_4()
    {
        var head = await SeenAsync("GET /x HTTP/1.1", "TE: gzip, trailers\r\nConnection: TE\r\n");
        head["TE"].ShouldBe("trailers");
        head["Connection"].ShouldBe("TE");
    }

    [Fact]
    public async Task Field_values_pass_byte_by_byte()
    {
        var head = await SeenAsync("GET /x HTTP/1.1", "X-Utf8: \u00c3\u00a9\u00e2\u0082\u00ac\r\nX-Empty:\r\nCookie: a=1; b=\"2, 3\"\r\nUser-Agent: odd/(agent\r\nAccept: */*;q=x,,\r\nDate: not a date\r\nIf-Modified-Since: 0\r\n");
        head["X-Utf8"].ShouldBe("\u00c3\u00a9\u00e2\u0082\u00ac");
        head["X-Empty"].ShouldBe("");
        head["Cookie"].ShouldBe("a=1; b=\"2, 3\"");
        head["User-Agent"].ShouldBe("odd/(agent");
        head["Accept"].ShouldBe("*/*;q=x,,");
        head["Date"].ShouldBe("not a date");
        head["If-Modified-Since"].ShouldBe("0");
    }

    [Fact]
    public async Task Several_lines_of_a_field_become_one_list_in_order()
    {
        var head = await SeenAsync("GET /x HTTP/1.1", "X-A: 1\r\nX-B: 0\r\nX-A: 2, 3\r\nCookie: a=1\r\nCookie: b=2\r\n");
        head["X-A"].ShouldBe("1, 2, 3");
        head["Cookie"].ShouldBe("a=1; b=2");
    }

    [Fact]
    public async Task Fields_that_describe_a_body_pass_without_one()
    {
        var head = await SeenAsync("GET /x HTTP/1.1", "Content-Type: application/json\r\nContent-Language: de\r\nExpires: 0\r\n");
        head["Content-Type"].ShouldBe("application/json");
        head["Content-Language"].ShouldBe("de");
        head["Expires"].ShouldBe("0");
        (head["Content-Length"] ?? "0").ShouldBe("0");
    }

    private static async Task<Head> SeenAsync(string startLine, string fields = "", string suffix = "")
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url + suffix);
        var seen = backend.AnswerAsync(Ok);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"{startLine}\r\nHost: front.test\r\n{fields}\r\n");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 200 OK");
        return await seen;
    }
}
