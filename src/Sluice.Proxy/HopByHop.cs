using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace Sluice.Proxy;

/// <summary>The header fields that end at a proxy (RFC 9110 §7.6.1): the well-known ones, and those that <c>Connection</c> names in this message.</summary>
internal readonly struct HopByHop
{
    private static readonly FrozenSet<string> Known = FrozenSet.ToFrozenSet(
        [
            "Connection", "Proxy-Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
            "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info",
            "HTTP2-Settings",
        ],
        StringComparer.OrdinalIgnoreCase);

    private readonly HashSet<string>? _named;

    /// <summary>Collects what this message's <c>Connection</c> names.</summary>
    /// <param name="connection">The message's <c>Connection</c> fields.</param>
    public HopByHop(StringValues connection)
    {
        foreach (var value in connection)
        {
            foreach (var range in value.AsSpan().Split(','))
            {
                var option = HeaderTokens.Trimmed(value, range);
                if (option.IsEmpty || IsCommon(option)) continue;
                _named ??= new(StringComparer.OrdinalIgnoreCase);
                _named.Add(option.ToString());
            }
        }
    }

    /// <summary>Whether this field stays here. The name is compared without case.</summary>
    public bool Contains(string name) => Known.Contains(name) || (_named?.Contains(name) ?? false);

    // Spares nearly every message the set.
    private static bool IsCommon(ReadOnlySpan<char> option) =>
        option.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
        || option.Equals("close", StringComparison.OrdinalIgnoreCase)
        || option.Equals("upgrade", StringComparison.OrdinalIgnoreCase);
}
