using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §4.1: the opening handshake at the client.</summary>
public class ClientOpeningTests
{
    private static readonly WebSocketClientOptions Chat = new() { Subprotocols = ["chat.v2", "chat.v1"] };

    [Theory, Openings(nameof(Good))]
    public Task Section_4_1_a_good_response_opens_the_WebSocket(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Statuses))]
    public Task Section_4_1_any_other_status_is_HTTP_s(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(BadFields))]
    public Task Section_4_1_Upgrade_and_Connection_must_say_so(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(BadAccepts))]
    public Task Section_4_1_the_accept_value_must_be_the_key_s(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(BadSubprotocols))]
    public Task Section_4_1_a_subprotocol_must_have_been_asked_for(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(BadExtensions))]
    public Task Section_9_1_an_extension_must_have_been_asked_for(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(BrokenHttp))]
    public Task Section_4_1_what_is_no_HTTP_opens_nothing(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Fact]
    public async Task Section_4_1_the_request_is_what_the_RFC_asks_for()
    {
        var keys = new HashSet<string>();
        for (var i = 0; i < 16; i++)
        {
            var (head, port) = await RequestAsync("/chat?room=1&x=%20", WebSocketClientOptions.Default);
            var lines = head.Split("\r\n");
            lines[0].ShouldBe("GET /chat?room=1&x=%20 HTTP/1.1");
            Http.Values(head, "Host").ShouldBe([$"127.0.0.1:{port}"]);
            Http.Values(head, "Upgrade").ShouldBe(["websocket"]);
            Http.Values(head, "Connection").ShouldBe(["Upgrade"]);
            Http.Values(head, "Sec-WebSocket-Version").ShouldBe(["13"]);
            Convert.FromBase64String(Http.Values(head, "Sec-WebSocket-Key").ShouldHaveSingleItem()).Length.ShouldBe(16);
            foreach (var absent in new[] { "Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Length", "Transfer-Encoding", "Sec-WebSocket-Accept" })
            {
                Http.Value(head, absent).ShouldBeNull();
            }
            keys.Add(Http.Value(head, "Sec-WebSocket-Key")!);
        }
        keys.Count.ShouldBe(16, "a new key for each connection");
    }

    [Fact]
    public async Task Section_4_1_subprotocols_origin_and_more_headers_are_sent_as_given()
    {
        var options = Chat with { Origin = "https://example.com", Headers = [new("Authorization", "Basic eDp5"), new("Cookie", "a=b")] };
        var (head, _) = await RequestAsync("/", options);
        Http.Values(head, "Sec-WebSocket-Protocol").ShouldBe(["chat.v2, chat.v1"]);
        Http.Values(head, "Origin").ShouldBe(["https://example.com"]);
        Http.Values(head, "Authorization").ShouldBe(["Basic eDp5"]);
        Http.Values(head, "Cookie").ShouldBe(["a=b"]);
    }

    [Theory]
    [InlineData("ws://127.0.0.1/#fragment")] // §3: no fragment
    [InlineData("ws://user:password@127.0.0.1/")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("/relative")]
    [InlineData("ws://")]
    public async Task Section_3_a_URL_that_is_none_is_refused_before_dialling(string url)
        => await Should.ThrowAsync<ArgumentException>(() => WebSocketClient.ConnectAsync(url));

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a,b")]
    [InlineData("a/b")]
    [InlineData("ä")]
    public void Section_4_1_a_subprotocol_that_is_no_token_is_refused(string subprotocol)
        => Should.Throw<ArgumentException>(() => new WebSocketClientOptions { Subprotocols = [subprotocol] });

    [Fact]
    public void Section_4_1_a_subprotocol_may_stand_there_once()
        => Should.Throw<ArgumentException>(() => new WebSocketClientOptions { Subprotocols = ["a", "b", "a"] });

    [Theory]
    [InlineData(Delivery.ByteByByte)]
    [InlineData(Delivery.Whole)]
    [InlineData(Delivery.OddPieces)]
    public async Task Frames_right_behind_the_response_are_not_lost(Delivery delivery)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        using var peer = await AcceptAsync(listener, "/", WebSocketClientOptions.Default, out var connecting);
        byte[] response = Encoding.Latin1.GetBytes(Http.Response(await peer.ReadHeadAsync()));
        await delivery.SendAsync(peer, [.. response, .. peer.Bytes(Frame.Text("early"), Frame.Ping("early"), Frame.Close(1000))]);
        var connection = await connecting.Guarded();
        (await connection.ReceiveAsync().Guarded()).Text.ShouldBe("early");
        (await connection.ReceiveAsync().Guarded()).IsClose.ShouldBeTrue();
        await peer.ShouldReadAsync(Frame.Pong("early"));
        await peer.ShouldReadAsync(Frame.Close(1000));
        peer.HalfClose();
        await peer.ShouldEndAsync();
        (await connection.Released.Guarded()).WasClean.ShouldBeTrue();
    }

    internal static IEnumerable<Answer> Good()
    {
        yield return new Answer("as in the RFC", Http.Response);
        yield return new Answer("another reason phrase", request => Http.Response(request).Replace("Switching Protocols", "Web Socket Protocol Handshake"));
        yield return new Answer("no reason phrase", request => Http.Response(request).Replace("Switching Protocols", ""));
        foreach (var upgrade in new[] { "WebSocket", "WEBSOCKET", " \twebsocket \t" })
        {
            yield return new Answer($"Upgrade:{upgrade}", request => Http.Response(request, $"Upgrade: {upgrade}"));
        }
        foreach (var connection in new[] { "upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade,foo", "keep-alive\r\nConnection: Upgrade" })
        {
            yield return new Answer($"Connection: {connection}", request => Http.Response(request, $"Connection: {connection}"));
        }
        yield return new Answer("names in odd case", request => Http.Response(request).Replace("Sec-WebSocket-Accept", "sEC-wEBSOCKET-aCCEPT"));
        yield return new Answer("white space around the accept value", request => Http.Response(request).Replace("Accept: ", "Accept: \t ").Replace("=\r\n", "= \t\r\n"));
        yield return new Answer("fields that mean nothing here", request => Http.Response(request, "Server: x", "Set-Cookie: a=b", "X: ;,", "Sec-WebSocket-Version: 13"));
        yield return new Answer("an empty body", request => Http.Response(request, "Content-Length: 0"));
        yield return new Answer("no subprotocol of those asked for", Http.Response) { Options = Chat };
        yield return new Answer("the second subprotocol", request => Http.Response(request, "Sec-WebSocket-Protocol: chat.v1")) { Options = Chat, Subprotocol = "chat.v1" };
        yield return new Answer("100 before it", request => "HTTP/1.1 100 Continue\r\n\r\n" + Http.Response(request));
    }

    internal static IEnumerable<Answer> Statuses()
    {
        foreach (var status in new[] { 200, 204, 301, 302, 307, 400, 401, 403, 404, 407, 426, 429, 500, 503 })
        {
            var headers = status is 301 or 302 or 307 ? "Location: http://127.0.0.1:1/\r\n" : "";
            yield return new Answer($"{status}", _ => $"HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: 0\r\n\r\n").Fails(ConnectFailure.Refused);
        }
        // Everything else is as in an accepting response; the status decides.
        yield return new Answer("200 with the fields of a 101", request => Http.Response(request).Replace("101 Switching Protocols", "200 OK")).Fails(ConnectFailure.Refused);
    }

    internal static IEnumerable<Answer> BadFields()
    {
        foreach (var upgrade in new[] { "websocket2", "web socket", "h2c", "websocket, h2c", "" })
        {
            yield return new Answer($"Upgrade: {upgrade}", request => Http.Response(request, "Upgrade:", $"X: x\r\nUpgrade: {upgrade}")).Fails(ConnectFailure.InvalidUpgrade);
        }
        yield return new Answer("no Upgrade", request => Http.Response(request, "Upgrade:")).Fails(ConnectFailure.InvalidUpgrade);
        foreach (var connection in new[] { "close", "keep-alive", "Upgraded", "up grade" })
        {
            yield return new Answer($"Connection: {connection}", request => Http.Response(request, $"Connection: {connection}")).Fails(ConnectFailure.InvalidUpgrade);
        }
        yield return new Answer("no Connection", request => Http.Response(request, "Connection:")).Fails(ConnectFailure.InvalidUpgrade);
    }

    internal static IEnumerable<Answer> BadAccepts()
    {
        yield return new Answer("none", request => Http.Response(request, "Sec-WebSocket-Accept:")).Fails(ConnectFailure.InvalidUpgrade);
        yield return new Answer("empty", request => Http.Response(request, "X: x\r\nSec-WebSocket-Accept: ", "Sec-WebSocket-Accept:")).Fails(ConnectFailure.InvalidUpgrade);
        yield return new Answer("another key's", request => Http.Response(request, $"Sec-WebSocket-Accept: {Http.Accept}")).Fails(ConnectFailure.InvalidUpgrade);
        yield return new Answer("the key itself", request => Http.Response(request, $"Sec-WebSocket-Accept: {Http.Value(request, "Sec-WebSocket-Key")}")).Fails(ConnectFailure.InvalidUpgrade);
        yield return new Answer("in another case", request => Http.Response(request, $"Sec-WebSocket-Accept: {Swapped(Http.AcceptOf(Http.Value(request, "Sec-WebSocket-Key")!))}"))
            .Fails(ConnectFailure.InvalidUpgrade);
        yield return new Answer("with something behind it", request => Http.Response(request, $"Sec-WebSocket-Accept: {Http.AcceptOf(Http.Value(request, "Sec-WebSocket-Key")!)}x"))
            .Fails(ConnectFailure.InvalidUpgrade);
        yield return new Answer("twice", request => Http.Response(request, $"Sec-WebSocket-Accept: {string.Join("\r\nSec-WebSocket-Accept: ", Enumerable.Repeat(Http.AcceptOf(Http.Value(request, "Sec-WebSocket-Key")!), 2))}"))
            .Fails(ConnectFailure.InvalidUpgrade);
    }

    internal static IEnumerable<Answer> BadSubprotocols()
    {
        const string Field = "Sec-WebSocket-Protocol";
        yield return new Answer("none was asked for", request => Http.Response(request, $"{Field}: chat.v1")).Fails(ConnectFailure.InvalidUpgrade);
        foreach (var bad in new[] { "soap", "CHAT.V1", "chat.v1, chat.v2", "chat.v1,", "", "\"chat.v1\"" })
        {
            yield return new Answer($"\"{bad}\" instead", request => Http.Response(request, $"X: x\r\n{Field}: {bad}")) { Options = Chat }.Fails(ConnectFailure.InvalidUpgrade);
        }
        yield return new Answer("two lines", request => Http.Response(request, $"{Field}: chat.v1\r\n{Field}: chat.v2")) { Options = Chat }.Fails(ConnectFailure.InvalidUpgrade);
    }

    internal static IEnumerable<Answer> BadExtensions()
    {
        foreach (var bad in new[] { "permessage-deflate", "foo", "foo; x=1", "foo bar", ",", "foo; x=\"", "x-webkit-deflate-frame" })
        {
            yield return new Answer(bad, request => Http.Response(request, $"Sec-WebSocket-Extensions: {bad}")).Fails(ConnectFailure.InvalidUpgrade);
        }
    }

    internal static IEnumerable<Answer> BrokenHttp()
    {
        yield return new Answer("nothing", _ => "") { Ends = true }.Fails(ConnectFailure.ConnectionLost);
        yield return new Answer("half a status line", _ => "HTTP/1.1 10") { Ends = true }.Fails(ConnectFailure.ConnectionLost);
        yield return new Answer("half a header", request => Http.Response(request)[..60]) { Ends = true }.Fails(ConnectFailure.ConnectionLost);
        yield return new Answer("no empty line", request => Http.Response(request)[..^2]) { Ends = true }.Fails(ConnectFailure.ConnectionLost);
        yield return new Answer("another protocol", _ => "220 mail.example.com ESMTP\r\n\r\n").Fails(ConnectFailure.InvalidResponse);
        yield return new Answer("a frame", _ => "\u0081\u0005hello\r\n\r\n").Fails(ConnectFailure.InvalidResponse);
        yield return new Answer("no status", _ => "HTTP/1.1 \r\n\r\n").Fails(ConnectFailure.InvalidResponse);
        yield return new Answer("a status of two digits", _ => "HTTP/1.1 10 x\r\n\r\n").Fails(ConnectFailure.InvalidResponse);
        yield return new Answer("a line without a colon", request => Http.Response(request, "X: x\r\nno colon")).Fails(ConnectFailure.InvalidResponse);
        yield return new Answer("too much header", request => Http.Response(request, $"X: {new string('x', 40_000)}")) { Ends = true }.Fails(ConnectFailure.InvalidResponse);
    }

    internal static Task<Peer> AcceptAsync(TcpListener listener, string target, WebSocketClientOptions options, out Task<WebSocketConnection> connecting)
    {
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{port}{target}", options);
        return AcceptAsync(listener);
    }

    private static async Task<Peer> AcceptAsync(TcpListener listener)
    {
        var socket = await listener.AcceptSocketAsync().Guarded();
        socket.NoDelay = true;
        return new Peer(socket, Side.Server);
    }

    private static async Task<(string Head, int Port)> RequestAsync(string target, WebSocketClientOptions options)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        using var peer = await AcceptAsync(listener, target, options, out var connecting);
        var head = await peer.ReadHeadAsync();
        var port = ((IPEndPoint)peer.Socket.LocalEndPoint!).Port;
        peer.HalfClose();
        await Should.ThrowAsync<HandshakeException>(() => connecting.Guarded());
        return (head, port);
    }

    private static string Swapped(string text) => string.Concat(text.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)));
}
