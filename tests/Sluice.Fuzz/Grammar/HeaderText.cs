using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Grammar;

/// <summary>Header values near to the handshake's grammar, one byte a character.</summary>
internal static class HeaderText
{
    // What the bytes from F0 on stand for: characters that look like others, fold to others, or break a line elsewhere.
    private const string Exotic = "\ud83d\ude00\u2028\u212a\u017f\u0130\uff0c\u0085\u00a0\ufeff\u0000\u037e\u2024\u3002\uffff\u0131";

    private static readonly Gen<string> Token = Gen.OneOf(
        Gen.Elements("permessage-deflate", "client_max_window_bits", "server_no_context_takeover", "x", "a1!#$%&'*+-.^_`|~", "chat", "v2.chat"),
        Gen.Choose('a', 'z').Select(c => ((char)c).ToString()));

    private static readonly Gen<string> Space = Gen.Frequency((4, Gen.Constant("")), (2, Gen.Constant(" ")), (1, Gen.Elements("\t", "  ", " \t ")));

    private static readonly Gen<string> Value = Gen.OneOf(
        Token, Token.Select(token => $"\"{token}\""), Token.Select(token => $"\"\\{token}\""), Gen.Elements("15", "\"8\"", "\"\"", "\"", "\"a", "\"a\\\"", "a b"));

    public static readonly Gen<string> List = Joined(Token, ",");

    public static readonly Gen<string> Extensions = Joined(
        Gen.Frequency((3, Token), (4, Parameters())), ",");

    public static readonly Gen<string> Origin =
        from scheme in Gen.Elements("http://", "https://", "HTTP://", "ws://", "", "://", "http:/", "file://")
        from host in Gen.Elements("a.example", "A.EXAMPLE", "[::1]", "[::ffff:1.2.3.4]", "1.2.3.4", "x.a.example", "a.example.evil", "user@a.example", "[", "[::1", "a..", "")
        from port in Gen.Elements("", ":", ":80", ":443", ":8080", ":65536", ":99999999999", ":-1", ":٣")
        from tail in Gen.Frequency((8, Gen.Constant("")), (1, Gen.Elements("/", "#", "?", " ", "\0")))
        select scheme + host + port + tail;

    public static readonly Gen<string> Host = Origin.Select(origin => origin.Split("://")[^1]);

    /// <summary>Long and monotonous: what a parser that is not linear would choke on.</summary>
    public static readonly Gen<string> Long =
        from piece in Gen.Elements(",", " ", "a", "\"", "\\", "\"\\", ";", "a;", "a,", "a;b=", "a;b=\"c\",", "[", ":", "\t,", "=", "a;b,")
        from count in Gen.Elements(10, 100, 5000, 16_384, 16_385, 30_000)
        select new StringBuilder().Insert(0, piece, count / piece.Length).ToString();

    /// <summary>The text as bytes of an input.</summary>
    public static byte[] ToBytes(string text) => [.. text.Select(c => c < 0xF0 ? (byte)c : (byte)(0xF0 + Math.Max(0, Exotic.IndexOf(c))))];

    /// <summary>The text that bytes of an input stand for.</summary>
    public static string FromBytes(byte[] bytes) => string.Create(bytes.Length, bytes, static (text, bytes) =>
    {
        for (var i = 0; i < bytes.Length; i++) text[i] = bytes[i] < 0xF0 ? (char)bytes[i] : Exotic[bytes[i] - 0xF0];
    });

    private static Gen<string> Joined(Gen<string> element, string separator)
        => from count in Gen.Choose(1, 5)
           from elements in element.ArrayOf(count)
           from spaces in Space.ArrayOf(count * 2)
           select string.Join(separator, elements.Select((text, i) => spaces[2 * i] + text + spaces[(2 * i) + 1]));

    private static Gen<string> Parameters()
        => from name in Token
           from count in Gen.Choose(1, 3)
           from parameters in Token.ArrayOf(count)
           from values in Value.Select(value => $"={value}").Or(Gen.Constant("")).ArrayOf(count)
           from space in Space
           select name + string.Concat(parameters.Select((parameter, i) => $";{space}{parameter}{values[i]}"));
}
