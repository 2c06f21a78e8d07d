using System.Globalization;
using System.Text;

namespace Sluice.Handshake;

/// <summary>A peer's words as they may stand in our messages: short, printable, on one line.</summary>
internal static class Excerpt
{
    /// <summary>The longest excerpt, in characters, quotes and escapes included.</summary>
    public const int MaxLength = 100;

    private const string Ellipsis = "...\"";
    private const int LongestEscape = 6; // \u0000

    /// <summary>
    /// The text in double quotes. Whatever is not printable ASCII becomes <c>\uXXXX</c>, and so do quotes,
    /// backslashes and the characters that mean something in HTML, should a message end up in a page.
    /// </summary>
    public static string Of(ReadOnlySpan<char> text)
    {
        var excerpt = new StringBuilder("\"", MaxLength);
        foreach (var character in text)
        {
            if (excerpt.Length + LongestEscape + Ellipsis.Length > MaxLength) return excerpt.Append(Ellipsis).ToString();
            if (IsPlain(character)) excerpt.Append(character);
            else excerpt.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture));
        }

        return excerpt.Append('"').ToString();
    }

    /// <summary>What a header holds, for a sentence that begins with its name.</summary>
    public static string OfField(string? value) => value is null ? "it is missing" : $"it is {Of(value)}";

    private static bool IsPlain(char character) =>
        character is >= ' ' and <= '~' and not ('"' or '\\' or '<' or '>' or '&');
}
