using System.Text;
using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class RequestHeadTests
{
    private const string Plain =
        "GET /chat?room=1 HTTP/1.1\r\nHost: example.com:80\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://example.com\r\n"
        + "Sec-WebSocket-Protocol: chat.v2\r\nsec-websocket-protocol:\tchat.v1 \r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

    [Fact]
    public void A_handshake_is_read_where_it_lies()
    {
        var bytes = Encoding.ASCII.GetBytes(Plain + "frames");
        RequestHead.TryRead(bytes, out var head).ShouldBe(RequestHead.Status.Complete);
        head.Length.ShouldBe(Plain.Length);
        Encoding.ASCII.GetString(head.Method).ShouldBe("GET");
        Encoding.ASCII.GetString(head.Target).ShouldBe("/chat?room=1");
        var names = new List<string>();
        foreach (var field in head) names.Add(Encoding.ASCII.GetString(field.Name) + "=" + Encoding.ASCII.GetString(field.Value));
        names.Count.ShouldBe(9);
        names[7].ShouldBe("sec-websocket-protocol=chat.v1");
    }

    [Fact]
    public void What_the_handshake_needs_is_taken_out()
    {
        RequestHead.TryRead(Encoding.ASCII.GetBytes(Plain), out var head).ShouldBe(RequestHead.Status.Complete);
        head.ToHandshakeRequest("https", out var hasBody).ShouldBe(new HandshakeRequest
        {
            Method = "GET",
            HttpVersion = "HTTP/1.1",
            Scheme = "https",
            Host = "example.com:80",
            Upgrade = "websocket",
            Connection = "keep-alive, Upgrade",
            Key = "dGhlIHNhbXBsZSBub25jZQ==",
            Version = "13",
            Subprotocols = "chat.v2, chat.v1",
            Extensions = "permessage-deflate",
            Origin = "http://example.com",
        });
        hasBody.ShouldBeFalse();
    }

    [Fact]
    public void Every_beginning_is_incomplete()
    {
        var bytes = Encoding.ASCII.GetBytes(Plain);
        for (var length = 0; length < bytes.Length; length++)
        {
            RequestHead.TryRead(bytes.AsSpan(0, length), out _).ShouldBe(RequestHead.Status.Incomplete, $"{length} bytes");
        }
    }

    [Theory]
    [InlineData("Content-Length: 0")]
    [InlineData("transfer-encoding: chunked")]
    [InlineData("Expect: 100-continue")]
    public void A_body_is_noticed(string field)
    {
        RequestHead.TryRead(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\n{field}\r\n\r\n"), out var head).ShouldBe(RequestHead.Status.Complete);
        head.ToHandshakeRequest("http", out var hasBody);
        hasBody.ShouldBeTrue();
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1 \r\n\r\n")]
    [InlineData("GET / http/1.1\r\n\r\n")]
    [InlineData("GET  / HTTP/1.1\r\n\r\n")]
    [InlineData(" GET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET /a b HTTP/1.1\r\n\r\n")]
    [InlineData("GET HTTP/1.1\r\n\r\n")]
    [InlineData("GET  HTTP/1.1\r\n\r\n")]
    [InlineData("G(T / HTTP/1.1\r\n\r\n")]
    [InlineData("GET /\u00e9 HTTP/1.1\r\n\r\n")]
    [InlineData("GET /\t HTTP/1.1\r\n\r\n")]
    [InlineData("\r\nGET / HTTP/1.1\r\n\r\n")]
    [InlineData("\nGET / HTTP/1.1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\n\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost : a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n Host: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: \u00e9\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nH\u00f6st: a\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    public void Anything_but_the_plain_form_is_left_to_a_full_server(string head)
        => RequestHead.TryRead(Encoding.Latin1.GetBytes(head), out _).ShouldBe(RequestHead.Status.Unfit);

    [Fact]
    public void A_hundred_fields_are_taken_and_not_one_more()
    {
        static byte[] With(int fields) => Encoding.ASCII.GetBytes(
            "GET / HTTP/1.1\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n", fields)) + "\r\n");
        RequestHead.TryRead(With(RequestHead.MaxFields), out _).ShouldBe(RequestHead.Status.Complete);
        RequestHead.TryRead(With(RequestHead.MaxFields + 1), out _).ShouldBe(RequestHead.Status.Unfit);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 0)]
    [InlineData("GET / HTTP/1.1\r\nA:\r\nB:  \t \r\n\r\n", 2)]
    [InlineData("OPTIONS * HTTP/1.1\r\nX:y:z\r\n\r\n", 1)]
    public void Odd_heads_that_are_in_order(string text, int fields)
    {
        RequestHead.TryRead(Encoding.ASCII.GetBytes(text), out var head).ShouldBe(RequestHead.Status.Complete);
        var count = 0;
        foreach (var field in head)
        {
            field.Name.Length.ShouldBe(1);
            count++;
        }
        count.ShouldBe(fields);
        head.Length.ShouldBe(text.Length);
    }
}
