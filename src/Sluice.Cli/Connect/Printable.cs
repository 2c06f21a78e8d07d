using System.Globalization;
using System.Text;

namespace Sluice.Cli.Connect;

/// <summary>A peer's words as a terminal may see them: nothing in them that it would obey.</summary>
internal static class Printable
{
    /// <summary>One line of at most so many characters; control characters become <c>\u001b</c> and the like.</summary>
    public static string Line(ReadOnlySpan<char> text, int most = 200)
    {
        var line = new StringBuilder(Math.Min(text.Length, most));
        foreach (var character in text)
        {
            if (line.Length >= most) return line.Append('…').ToString();
            Append(line, character, keep: "");
        }
        return line.ToString();
    }

    /// <summary>A text of any number of lines.</summary>
    public static string Lines(ReadOnlySpan<char> text)
    {
        var lines = new StringBuilder(text.Length);
        foreach (var character in text) Append(lines, character, keep: "\n\t");
        return lines.ToString();
    }

    private static void Append(StringBuilder target, char character, string keep)
    {
        if (IsPlain(character) || keep.Contains(character, StringComparison.Ordinal)) target.Append(character);
        else target.Append("\\u").Append(((int)character).ToString("x4", CultureInfo.InvariantCulture));
    }

    // Format characters reorder or hide what stands beside them.
    private static bool IsPlain(char character) => char.GetUnicodeCategory(character)
        is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
