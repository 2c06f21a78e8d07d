using System.Diagnostics.CodeAnalysis;

namespace Sluice.Handshake;

/// <summary>
/// The value of <c>Sec-WebSocket-Protocol</c>: what the client offers and the one that the server chooses
/// (RFC 6455 §1.9, §4.1 item 10). Thread-safe.
/// </summary>
public static class Subprotocols
{
    /// <summary>The most subprotocols that a header may offer: 64.</summary>
    public const int MaxCount = 64;

    /// <summary>The longest header value, in characters: 16,384. A single subprotocol may fill it.</summary>
    public const int MaxLength = HttpGrammar.MaxFieldLength;

    /// <summary>Whether the text can name a subprotocol: a token, so no white space or separator, and not empty.</summary>
    public static bool IsValid(ReadOnlySpan<char> subprotocol) => HttpGrammar.IsToken(subprotocol);

    /// <summary>Reads a request's <c>Sec-WebSocket-Protocol</c>: one or more unique tokens, in the client's order of preference.</summary>
    /// <param name="header">The value, several lines joined with commas; null, which offers nothing, when it is absent.</param>
    /// <param name="offered">What the client offers; empty when the header is absent or malformed.</param>
    /// <param name="error">On failure, a sentence that says what is wrong, fit for a response.</param>
    /// <returns>False when the header breaks the grammar, repeats an element, or is over a limit.</returns>
    public static bool TryParse(
        string? header,
        out IReadOnlyList<string> offered,
        [NotNullWhen(false)] out string? error)
    {
        offered = [];
        error = null;
        if (header is null) return true;
        if (header.Length > MaxLength)
        {
            error = $"{FieldNames.Subprotocols} has {header.Length} characters; at most {MaxLength} are taken";
            return false;
        }

        var subprotocols = new List<string>();
        var rest = header.AsSpan();
        while (HttpGrammar.TryReadElement(ref rest, out var element))
        {
            error = Check(element, subprotocols);
            if (error is not null) return false;
            subprotocols.Add(element.ToString());
        }

        if (subprotocols.Count == 0)
        {
            error = $"{FieldNames.Subprotocols} names none; leave the header out to offer none (RFC 6455 §4.1)";
            return false;
        }

        offered = subprotocols;
        return true;
    }

    /// <summary>The first of the server's preferences that the client offers, compared exactly.</summary>
    /// <param name="preferences">What the server speaks, best first.</param>
    /// <param name="offered">What the client offers.</param>
    /// <returns>Null when they have none in common; the handshake then goes on without a subprotocol (RFC 6455 §4.2.2).</returns>
    public static string? Choose(IReadOnlyList<string> preferences, IReadOnlyList<string> offered)
    {
        ArgumentNullException.ThrowIfNull(preferences);
        ArgumentNullException.ThrowIfNull(offered);
        for (var i = 0; i < preferences.Count; i++)
        {
            if (Contains(offered, preferences[i])) return preferences[i];
        }

        return null;
    }

    /// <summary>A copy of a list that our own side configured, checked.</summary>
    /// <exception cref="ArgumentException">An entry is not a token, or stands there twice.</exception>
    internal static string[] Copy(IReadOnlyList<string> subprotocols, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(subprotocols, parameterName);
        var copy = new string[subprotocols.Count];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < copy.Length; i++)
        {
            var subprotocol = copy[i] = subprotocols[i];
            if (!IsValid(subprotocol))
            {
                throw new ArgumentException(
                    $"subprotocol {Excerpt.Of(subprotocol)} is not a token (RFC 6455 §4.1): it may have letters, digits and !#$%&'*+-.^_`|~",
                    parameterName);
            }

            if (!seen.Add(subprotocol))
            {
                throw new ArgumentException(
                    $"subprotocol {Excerpt.Of(subprotocol)} is listed twice; list each once",
                    parameterName);
            }
        }

        return copy;
    }

    internal static bool Contains(IReadOnlyList<string> list, ReadOnlySpan<char> subprotocol)
    {
        for (var i = 0; i < list.Count; i++)
        {
            if (subprotocol.SequenceEqual(list[i])) return true;
        }

        return false;
    }

    private static string? Check(ReadOnlySpan<char> element, List<string> before)
    {
        const string Field = FieldNames.Subprotocols;
        if (!IsValid(element)) return $"{Field} must list tokens (RFC 6455 §4.1); {Excerpt.Of(element)} is not one";

        // The cap comes first: it also bounds the search for a duplicate.
        if (before.Count == MaxCount) return $"{Field} offers more than {MaxCount} subprotocols; offer fewer";
        if (!Contains(before, element)) return null;
        return $"{Field} must not repeat an element (RFC 6455 §4.1); {Excerpt.Of(element)} stands there twice";
    }
}
