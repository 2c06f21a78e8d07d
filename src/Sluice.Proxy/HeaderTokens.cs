using Microsoft.Extensions.Primitives;

namespace Sluice.Proxy;

/// <summary>Comma-separated lists of tokens in header fields (RFC 9110 §5.6.1), compared without case.</summary>
internal static class HeaderTokens
{
    public static bool Contains(StringValues values, ReadOnlySpan<char> token)
    {
        foreach (var value in values)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                if (Trimmed(value, range).Equals(token, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }

        return false;
    }

    /// <summary>Whether the fields hold this one token and nothing else.</summary>
    public static bool IsOnly(StringValues values, ReadOnlySpan<char> token) =>
        values.Count == 1 && values[0].AsSpan().Trim(" \t").Equals(token, StringComparison.OrdinalIgnoreCase);

    public static ReadOnlySpan<char> Trimmed(string? list, Range range) => list.AsSpan()[range].Trim(" \t");
}
