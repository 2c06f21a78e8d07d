using System.Buffers;
using System.Text;

namespace Sluice.Handshake;

/// <summary>The pieces of HTTP's header grammar that the handshake needs (RFC 9110 §5.6); all linear in their input.</summary>
internal static class HttpGrammar
{
    /// <summary>
    /// The longest header value that is looked at, in characters. Room for what is really sent, as a bearer
    /// token that travels as a subprotocol, and half of what Kestrel takes for all headers together.
    /// </summary>
    public const int MaxFieldLength = 16_384;

    // RFC 9110 §5.6.2: tchar.
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenCharacters);

    /// <summary>How many characters at the start could be a token; 0 when none is.</summary>
    public static int TokenLength(ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAnyExcept(TokenCharacters);
        return end < 0 ? text.Length : end;
    }

    /// <summary>The value without the optional white space around it, which is not a part of it (RFC 9110 §5.5).</summary>
    public static ReadOnlySpan<char> Trim(ReadOnlySpan<char> text) => text.Trim(" \t");

    /// <summary>Whether two texts are the same but for the case of ASCII letters. Texts beyond ASCII never are.</summary>
    public static bool EqualsIgnoreCase(ReadOnlySpan<char> left, ReadOnlySpan<char> right) =>
        Ascii.EqualsIgnoreCase(left, right);

    /// <summary>
    /// Whether an element of the comma-separated list is the token, ASCII case aside. A comma inside a
    /// quoted-string separates nothing. A list longer than <see cref="MaxFieldLength"/> contains nothing.
    /// </summary>
    public static bool ContainsToken(ReadOnlySpan<char> list, ReadOnlySpan<char> token)
    {
        if (list.Length > MaxFieldLength) return false;
        while (TryReadElement(ref list, out var element))
        {
            if (EqualsIgnoreCase(element, token)) return true;
        }

        return false;
    }

    /// <summary>
    /// Takes the next element off a comma-separated list, trimmed. Empty elements are passed over, as
    /// RFC 9110 §5.6.1.2 asks of recipients; what an element consists of is the caller's to check.
    /// </summary>
    /// <returns>False at the end of the list.</returns>
    public static bool TryReadElement(ref ReadOnlySpan<char> list, out ReadOnlySpan<char> element)
    {
        while (!list.IsEmpty)
        {
            var end = ElementLength(list);
            element = Trim(list[..end]);
            list = end == list.Length ? [] : list[(end + 1)..];
            if (!element.IsEmpty) return true;
        }

        element = [];
        return false;
    }

    /// <summary>Reads a quoted-string (RFC 9110 §5.6.4) that the text begins with.</summary>
    /// <param name="text">Begins with a double quote.</param>
    /// <param name="content">What stands between the quotes, unescaped.</param>
    /// <param name="length">How many characters it took, quotes included.</param>
    /// <returns>False when the closing quote is missing or a control character stands inside.</returns>
    public static bool TryReadQuoted(ReadOnlySpan<char> text, out string content, out int length)
    {
        var unescaped = new StringBuilder();
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                content = unescaped.ToString();
                length = i + 1;
                return true;
            }

            if (text[i] == '\\' && ++i == text.Length) break;
            if (text[i] != '\t' && char.IsControl(text[i])) break;
            unescaped.Append(text[i]);
        }

        content = "";
        length = 0;
        return false;
    }

    private static int ElementLength(ReadOnlySpan<char> list)
    {
        var quoted = false;
        for (var i = 0; i < list.Length; i++)
        {
            switch (list[i])
            {
                case ',' when !quoted:
                    return i;
                case '"':
                    quoted = !quoted;
                    break;
                case '\\' when quoted:
                    i++;
                    break;
            }
        }

        return list.Length;
    }
}
