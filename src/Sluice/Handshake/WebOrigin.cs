using System.Buffers;

namespace Sluice.Handshake;

/// <summary>The value of <c>Origin</c> when it is one origin: <c>scheme://host[:port]</c> and nothing behind it (RFC 6454 §6.2).</summary>
internal readonly ref struct WebOrigin
{
    private const string Separator = "://";

    // RFC 3986 §3.1.
    private static readonly SearchValues<char> SchemeCharacters = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-.");

    private WebOrigin(ReadOnlySpan<char> scheme, Authority authority)
    {
        Scheme = scheme;
        Authority = authority;
    }

    public ReadOnlySpan<char> Scheme { get; }

    public Authority Authority { get; }

    /// <summary>The port that stands there or the scheme's default; null when a scheme that has none stands alone.</summary>
    public int? Port => Authority.Port ?? DefaultPort(Scheme);

    public static bool TryParse(ReadOnlySpan<char> text, out WebOrigin origin)
    {
        origin = default;
        if (text.Length > Authority.MaxLength) return false;
        if (!TrySplit(text, out var scheme, out var rest) || !Authority.TryParse(rest, out var authority)) return false;
        origin = new WebOrigin(scheme, authority);
        return true;
    }

    /// <summary>Cuts a text at <c>://</c>, when a scheme stands before it.</summary>
    public static bool TrySplit(ReadOnlySpan<char> text, out ReadOnlySpan<char> scheme, out ReadOnlySpan<char> rest)
    {
        var end = text.IndexOf(Separator, StringComparison.Ordinal);
        scheme = end < 0 ? [] : text[..end];
        rest = end < 0 ? [] : text[(end + Separator.Length)..];
        return end > 0 && char.IsAsciiLetter(scheme[0]) && !scheme.ContainsAnyExcept(SchemeCharacters);
    }

    public static int? DefaultPort(ReadOnlySpan<char> scheme) =>
        HttpGrammar.EqualsIgnoreCase(scheme, "https") ? 443 : HttpGrammar.EqualsIgnoreCase(scheme, "http") ? 80 : null;
}
