using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §4.2: the opening handshake at the server.</summary>
public class ServerOpeningTests
{
    private const string NotNegotiated = "Sec-WebSocket-Extensions";

    [Theory, Openings(nameof(Good))]
    public Task Section_4_2_2_a_good_request_opens_the_WebSocket(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Methods))]
    public Task Section_4_2_1_only_a_GET_over_HTTP_1_1_opens(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(HostFields))]
    public Task Section_4_2_1_there_must_be_one_Host(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(UpgradeFields))]
    public Task Section_4_2_1_Upgrade_and_Connection_must_ask_for_it(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Keys))]
    public Task Section_4_2_1_the_key_must_be_16_bytes_in_base64(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Versions))]
    public Task Section_4_4_a_version_that_is_not_spoken_is_answered_with_426_and_the_one_that_is(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Origins))]
    public Task Section_4_2_2_a_foreign_origin_is_answered_with_403(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Subprotocols))]
    public Task Section_4_2_2_a_subprotocol_is_one_that_the_client_offers_or_none(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Extensions))]
    public Task Section_9_1_extensions_are_well_formed_and_unknown_ones_left_out(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(BrokenHttp), WholeOnly = true)]
    public Task Section_4_2_1_what_is_no_HTTP_is_refused_and_the_connection_ended(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory]
    [InlineData(Delivery.ByteByByte)]
    [InlineData(Delivery.Whole)]
    [InlineData(Delivery.OddPieces)]
    public async Task Frames_right_behind_the_request_are_not_lost(Delivery delivery)
    {
        foreach (var port in EchoServer.Ports)
        {
            using var peer = await EchoServer.DialAsync(port);
            byte[] request = System.Text.Encoding.Latin1.GetBytes(Http.Request("/echo"));
            await delivery.SendAsync(peer, [.. request, .. peer.Bytes(Frame.Text("early"), Frame.Ping("early"), Frame.Close(1000))]);
            Http.Status(await peer.ReadHeadAsync()).ShouldBe(101);
            await peer.ShouldReadAsync(Frame.Text("early"));
            await peer.ShouldReadAsync(Frame.Pong("early"));
            await peer.ShouldReadAsync(Frame.Close(1000));
            await peer.ShouldEndAsync();
        }
    }

    [Fact]
    public async Task A_violation_right_behind_the_request_is_answered_behind_the_101()
    {
        foreach (var port in EchoServer.Ports)
        {
            using var peer = await EchoServer.DialAsync(port);
            byte[] request = System.Text.Encoding.Latin1.GetBytes(Http.Request("/echo"));
            await peer.SendAsync((byte[])[.. request, 0x83]);
            Http.Status(await peer.ReadHeadAsync()).ShouldBe(101);
            await peer.ReadCloseAsync(1002);
            peer.HalfClose();
            await peer.ShouldEndAsync();
        }
    }

    [Fact]
    public async Task Nothing_behind_a_refusal_is_answered()
    {
        foreach (var port in EchoServer.Ports)
        {
            using var peer = await EchoServer.DialAsync(port);
            await peer.SendAsync(Http.Request("/echo", "Sec-WebSocket-Version: 12") + "GET /plain HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            var head = await peer.ReadHeadAsync();
            Http.Status(head).ShouldBe(426);
            Http.Value(head, "Connection")!.ShouldContain("close");
            await peer.ReadAsync(int.Parse(Http.Value(head, "Content-Length")!, provider: null));
            await peer.ShouldEndAsync();
        }
    }

    [Fact]
    public async Task A_handshake_may_follow_another_request_on_its_connection()
    {
        foreach (var port in EchoServer.Ports)
        {
            using var peer = await EchoServer.DialAsync(port);
            await peer.SendAsync("GET /plain HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + Http.Request("/echo"));
            Http.Status(await peer.ReadHeadAsync()).ShouldBe(200);
            var chunked = "5\r\nplain\r\n0\r\n\r\n".Length;
            await peer.ReadAsync(chunked);
            Http.Status(await peer.ReadHeadAsync()).ShouldBe(101);
            await peer.SendAsync(Frame.Text("a"));
            await peer.ShouldReadAsync(Frame.Text("a"));
        }
    }

    internal static IEnumerable<Opening> Good()
    {
        yield return new Opening("as in the RFC", Http.Request("/echo")).Opens($"Sec-WebSocket-Accept: {Http.Accept}");
        yield return new Opening("a query", Http.Request("/echo?a=b&c=%20")).Opens();
        yield return new Opening("an absolute target", Http.Request("GET http://127.0.0.1/echo HTTP/1.1", [], "Host: 127.0.0.1")).Opens();
        yield return new Opening("fields that mean nothing here", Http.Request("/echo", "Cookie: a=b", "X-Unknown: ;,\"", "Accept: */*", "Sec-WebSocket-Other: 1")).Opens();
        yield return new Opening("names in odd case", Http.Request("/echo").Replace("Upgrade:", "uPGRADE:").Replace("Sec-WebSocket-Key", "SEC-WEBSOCKET-KEY")).Opens();
        yield return new Opening("no space behind the colon", Http.Request("/echo").Replace(": ", ":")).Opens();
        yield return new Opening("white space around values", Http.Request("/echo").Replace(": ", ": \t ").Replace("\r\nUpgrade", " \t\r\nUpgrade")).Opens();
        yield return new Opening("a host with a port", Http.Request("/echo", "Host: example.com:8080")).Opens();
        yield return new Opening("an IPv6 host", Http.Request("/echo", "Host: [::1]:80")).Opens();
        yield return new Opening("Content-Length: 0", Http.Request("/echo", "Content-Length: 0")).Opens();
    }

    internal static IEnumerable<Opening> Methods()
    {
        foreach (var method in new[] { "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "get" })
        {
            yield return new Opening(method, Http.Request($"{method} /echo HTTP/1.1", [], "Host: 127.0.0.1")).Refused(405, "Allow: GET");
        }
        yield return new Opening("HTTP/1.0", Http.Request("GET /echo HTTP/1.0", [], "Host: 127.0.0.1")).Refused(400);
        yield return new Opening("a body announced", Http.Request("/echo", "Content-Length: 5") + "hello").Refused(400);
        yield return new Opening("another path", Http.Request("/nowhere")).LeftToHttp(404);
    }

    internal static IEnumerable<Opening> HostFields()
    {
        yield return new Opening("none", Http.Request("/echo", "Host:")).Refused(400);
        yield return new Opening("empty", Http.Request("/echo").Replace("Host: 127.0.0.1", "Host: ")).Refused(400);
        yield return new Opening("two", Http.Request("/echo").Replace("Host: 127.0.0.1", "Host: a\r\nHost: b")).Refused(400);
        foreach (var host in new[] { "a b", "a/b", "user@a", "a:port", "a:99999", "[::1" })
        {
            yield return new Opening(host, Http.Request("/echo", $"Host: {host}")).Refused(400);
        }
    }

    internal static IEnumerable<Opening> UpgradeFields()
    {
        foreach (var upgrade in new[] { "websocket", "WebSocket", "WEBSOCKET", "h2c, websocket", "websocket, foo", " , websocket" })
        {
            yield return new Opening($"Upgrade: {upgrade}", Http.Request("/echo", $"Upgrade: {upgrade}")).Opens();
        }
        foreach (var upgrade in new[] { "h2c", "websocket2", "web socket", "xwebsocket", "websocket/13", "\"websocket\"" })
        {
            yield return new Opening($"Upgrade: {upgrade}", Http.Request("/echo", $"Upgrade: {upgrade}")).Refused(426, "Upgrade: websocket");
        }
        yield return new Opening("no Upgrade", Http.Request("/echo", "Upgrade:")).Refused(426, "Upgrade: websocket");
        foreach (var connection in new[] { "Upgrade", "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade, keep-alive", "foo , upgrade , bar", "keep-alive\r\nConnection: Upgrade" })
        {
            yield return new Opening($"Connection: {connection}", Http.Request("/echo", $"Connection: {connection}")).Opens();
        }
        foreach (var connection in new[] { "keep-alive", "close", "Upgraded", "up grade", "xUpgrade" })
        {
            yield return new Opening($"Connection: {connection}", Http.Request("/echo", $"Connection: {connection}")).Refused(400);
        }
        yield return new Opening("no Connection", Http.Request("/echo", "Connection:")).Refused(400);
        yield return new Opening("neither", Http.Request("/echo", "Connection:", "Upgrade:")).Refused(426);
    }

    internal static IEnumerable<Opening> Keys()
    {
        foreach (var good in new[] { "AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w==", "x3JJHMbDL1EzLkh9GBhXDw==" })
        {
            yield return new Opening(good, Http.Request("/echo", $"Sec-WebSocket-Key: {good}")).Opens();
        }
        string[] bad =
        [
            "AAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA=A",
            "A", "=", "AAAAAAAA AAAAAAAAAAAAAA==", "-_AAAAAAAAAAAAAAAAAAAA==", "\"AAAAAAAAAAAAAAAAAAAAAA==\"", "AAAAAAAAAAAAAAAAAAAAAA==, AAAAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", new string('A', 4096),
        ];
        foreach (var key in bad)
        {
            yield return new Opening(key[..Math.Min(60, key.Length)], Http.Request("/echo", $"Sec-WebSocket-Key: {key}")).Refused(400);
        }
        yield return new Opening("none", Http.Request("/echo", "Sec-WebSocket-Key:")).Refused(400);
        yield return new Opening("empty", Http.Request("/echo").Replace(Http.Key, "")).Refused(400);
    }

    internal static IEnumerable<Opening> Versions()
    {
        foreach (var version in new[] { "0", "7", "8", "12", "14", "113", "013", "13.0", "+13", "1 3", "thirteen", "8, 13", "13, 8", "13\r\nSec-WebSocket-Version: 8", "255" })
        {
            yield return new Opening(version, Http.Request("/echo", $"Sec-WebSocket-Version: {version}")).Refused(426, "Sec-WebSocket-Version: 13", "Upgrade: websocket");
        }
        yield return new Opening("none", Http.Request("/echo", "Sec-WebSocket-Version:")).Refused(426, "Sec-WebSocket-Version: 13");
        yield return new Opening("empty", Http.Request("/echo").Replace("Version: 13", "Version: ")).Refused(426, "Sec-WebSocket-Version: 13");
        // The version comes before the key: whoever speaks another version is told so first.
        yield return new Opening("and no key", Http.Request("/echo", "Sec-WebSocket-Version: 6", "Sec-WebSocket-Key:")).Refused(426, "Sec-WebSocket-Version: 13");
    }

    internal static IEnumerable<Opening> Origins()
    {
        yield return new Opening("none, as from no browser", Http.Request("/echo")).Opens();
        yield return new Opening("the same", Http.Request("/echo", "Host: example.com", "Origin: http://example.com")).Opens();
        yield return new Opening("the same, in odd case", Http.Request("/echo", "Host: example.com:8080", "Origin: HTTP://EXAMPLE.com:8080")).Opens();
        foreach (var origin in new[]
        {
            "http://evil.example", "http://example.com.evil.example", "http://evil-example.com", "http://example.com:81", "null", "example.com", "http://",
            "http://example.com/", "http://example.com, http://example.com", "file://", "http://example.com@evil.example",
        })
        {
            yield return new Opening(origin, Http.Request("/echo", "Host: example.com", $"Origin: {origin}")).Refused(403);
        }
        yield return new Opening("two", Http.Request("/echo", "Host: example.com", "Origin: http://example.com\r\nOrigin: http://evil.example")).Refused(403);
    }

    internal static IEnumerable<Opening> Subprotocols()
    {
        const string Field = "Sec-WebSocket-Protocol";
        yield return new Opening("offered to who speaks none", Http.Request("/echo", $"{Field}: chat")).Opens().Without(Field);
        yield return new Opening("none offered", Http.Request("/chat")).Opens().Without(Field);
        yield return new Opening("none in common", Http.Request("/chat", $"{Field}: soap, wamp")).Opens().Without(Field);
        yield return new Opening("case counts", Http.Request("/chat", $"{Field}: CHAT.V1")).Opens().Without(Field);
        yield return new Opening("one", Http.Request("/chat", $"{Field}: chat.v1")).Opens($"{Field}: chat.v1");
        yield return new Opening("the server's first", Http.Request("/chat", $"{Field}: other, chat.v1,chat.v2")).Opens($"{Field}: chat.v2");
        yield return new Opening("in several lines", Http.Request("/chat", $"{Field}: other\r\n{Field}: chat.v1")).Opens($"{Field}: chat.v1");
        yield return new Opening("empty elements", Http.Request("/chat", $"{Field}: , chat.v1 ,,")).Opens($"{Field}: chat.v1");
        foreach (var bad in new[] { ",", "a b", "a/b", "chat.v1, chat.v1", "chat.v1;q=1", "\"chat.v1\"", "ch(at" })
        {
            yield return new Opening(bad, Http.Request("/chat", $"{Field}: {bad}")).Refused(400);
        }
        yield return new Opening("empty", Http.Request("/chat", "X:").Replace("\r\n\r\n", $"\r\n{Field}: \r\n\r\n")).Refused(400);
        yield return new Opening("twice, in two lines", Http.Request("/chat", $"{Field}: chat.v1\r\n{Field}: chat.v1")).Refused(400);
    }

    internal static IEnumerable<Opening> Extensions()
    {
        const string Field = "Sec-WebSocket-Extensions";
        foreach (var good in new[]
        {
            "foo", "foo, bar", "foo; x", "foo; x=1", "foo; x=\"1\"", "foo; x=\"to\\ken\"", "foo;x;y=2 , bar; z", "foo\r\nSec-WebSocket-Extensions: bar; x=1",
            ", foo ,, bar", "foo ; x = 1", "x-webkit-deflate-frame", "foo; x; x",
        })
        {
            yield return new Opening(good, Http.Request("/echo", $"{Field}: {good}")).Opens().Without(NotNegotiated);
        }
        foreach (var bad in new[] { ",", ";", "foo;", "foo; =1", "foo; x=", "foo bar", "foo; x=\"a b\"", "foo; x=\"", "foo; x=\"a\"b", "foo; x=\"\"", "foo/bar", "foo, ;x", "(foo)" })
        {
            yield return new Opening(bad, Http.Request("/echo", $"{Field}: {bad}")).Refused(400);
        }
    }

    internal static IEnumerable<Opening> BrokenHttp()
    {
        var good = Http.Request("/echo");
        yield return new Opening("a folded line", good.Replace("Upgrade: websocket", "Upgrade:\r\n websocket")).Refused(400);
        yield return new Opening("a space before the colon", good.Replace("Upgrade:", "Upgrade :")).Refused(400);
        yield return new Opening("a line without a colon", good.Replace("Upgrade: websocket", "Upgrade websocket")).Refused(400);
        yield return new Opening("a line without a name", good.Replace("Upgrade: websocket", ": websocket")).Refused(400);
        yield return new Opening("a NUL in a value", good.Replace("websocket", "web\0socket")).Refused(400);
        yield return new Opening("a space in the target", good.Replace("/echo", "/ec ho")).Refused(400);
        yield return new Opening("no target", good.Replace(" /echo", "")).Refused(400);
        yield return new Opening("HTTP/1.2", good.Replace("HTTP/1.1", "HTTP/1.2")).Refused(505);
        yield return new Opening("no HTTP version", good.Replace(" HTTP/1.1", "")).Refused(400);
    }
}
