using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Grammar;

/// <summary>Raw requests near to an opening handshake, with frames behind them.</summary>
internal static class RequestHeads
{
    private static readonly Gen<string> Line = Gen.Frequency(
        (20, Gen.Constant("GET /echo HTTP/1.1")),
        (5, Gen.Elements(
            "GET /echo HTTP/1.0", "POST /echo HTTP/1.1", "HEAD /echo HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT a:80 HTTP/1.1", "GET http://a/echo HTTP/1.1",
            "GET /echo", "GET  /echo HTTP/1.1", "get /echo HTTP/1.1", "GET /%00 HTTP/1.1", "GET /echo HTTP/2.0", "PRI * HTTP/2.0", "", "GET /\u00ff HTTP/1.1",
            "GET /echo?q=\"#x HTTP/1.1", "GET /none HTTP/1.1")));

    private static readonly string[] Names =
    [
        "Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Origin",
        "Content-Length", "Transfer-Encoding", "Expect", "X", "sec-websocket-key", "HTTP2-Settings", "Keep-Alive",
    ];

    private static readonly Gen<string> Value = Gen.OneOf(
        HeaderText.List, HeaderText.Extensions, HeaderText.Origin, HeaderText.Host,
        Gen.Elements("websocket", "Upgrade", "keep-alive, Upgrade", "close", "13", "0", "5", "-1", "99999999999999999999", "chunked", "100-continue", "h2c", "a\0b", "\u00e9", " ", "a\tb"));

    private static readonly string[][] Good =
    [
        ["Host: localhost"], ["Upgrade: websocket"], ["Connection: Upgrade"], ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], ["Sec-WebSocket-Version: 13"],
    ];

    private static readonly Gen<string> Extra =
        from name in Gen.Elements(Names)
        from separator in Gen.Frequency((10, Gen.Constant(": ")), (1, Gen.Elements(":", " : ", "", "\n", ":\t ")))
        from value in Value
        select name + separator + value;

    // Mostly all that must be there; one may be missing, or changed.
    private static readonly Gen<string[]> Fields =
        from left in Gen.Frequency((6, Gen.Constant(-1)), (2, Gen.Choose(0, Good.Length - 1)))
        from extra in Gen.Frequency((4, Gen.Constant(0)), (3, Gen.Choose(1, 3)), (1, Gen.Choose(90, 110))).SelectMany(count => Extra.ArrayOf(count))
        from order in Gen.Shuffle(Good.Where((_, i) => i != left).SelectMany(line => line).Concat(extra))
        select order;

    public static readonly Gen<byte[]> Any =
        from line in Line
        from fields in Fields
        from ending in Gen.Frequency((20, Gen.Constant("\r\n")), (1, Gen.Elements("\n", "\r", "\r\r\n", "\0\r\n", "\r\n ")))
        from cut in Gen.Frequency((6, Gen.Constant(0)), (1, Gen.Choose(1, 40)))
        from behind in Gen.OneOf(Gen.Constant(Array.Empty<byte>()), Frames.Stream(masked: true), Bytes.Noise)
        select Join(string.Join(ending, fields.Prepend(line)) + ending + ending, cut, behind);

    private static byte[] Join(string head, int cut, byte[] behind)
    {
        var bytes = Encoding.Latin1.GetBytes(head);
        return cut == 0 ? [.. bytes, .. behind] : bytes[..Math.Max(0, bytes.Length - cut)];
    }
}
