namespace Sluice.Handshake;

/// <summary>An entry of <see cref="OriginPolicy.Allow"/>: an exact origin, or one with <c>*.</c> before its host.</summary>
internal sealed class AllowedOrigin
{
    private const string Wildcard = "*.";

    private readonly string _scheme;
    private readonly string _host; // with a leading dot when it stands for subdomains
    private readonly int? _port;

    private AllowedOrigin(string scheme, string host, int? port)
    {
        _scheme = scheme;
        _host = host;
        _port = port;
    }

    private bool IsWildcard => _host[0] == '.';

    /// <summary>Reads an entry that the server's owner wrote.</summary>
    /// <exception cref="ArgumentException">It isn't an origin; the message says what it is and what to write.</exception>
    public static AllowedOrigin Parse(string entry, string parameterName)
    {
        var isSplit = WebOrigin.TrySplit(entry, out var scheme, out var rest);
        var fault = FindFault(entry, scheme, rest);
        var isWildcard = rest.StartsWith(Wildcard);
        if (isSplit && fault is null && Authority.TryParse(isWildcard ? rest[Wildcard.Length..] : rest, out var authority))
        {
            var host = string.Concat(isWildcard ? "." : "", authority.Host).ToLowerInvariant();
            var port = authority.Port ?? WebOrigin.DefaultPort(scheme);
            return new AllowedOrigin(scheme.ToString().ToLowerInvariant(), host, port);
        }

        fault ??= "it must be scheme://host or scheme://host:port";
        throw new ArgumentException($"origin {Excerpt.Of(entry)} can't be allowed: {fault}", parameterName);
    }

    public bool Matches(in WebOrigin origin)
    {
        if (!HttpGrammar.EqualsIgnoreCase(origin.Scheme, _scheme) || origin.Port != _port) return false;
        if (!IsWildcard) return origin.Authority.HasHost(_host);
        var host = origin.Authority.Host;
        return host.Length > _host.Length && host[0] != '.' && HttpGrammar.EqualsIgnoreCase(host[^_host.Length..], _host);
    }

    /// <summary>The entry as it is compared: in lower case, a default port left out.</summary>
    public override string ToString()
    {
        var port = _port == WebOrigin.DefaultPort(_scheme) ? "" : $":{_port}";
        return $"{_scheme}://{(IsWildcard ? "*" : "")}{_host}{port}";
    }

    // The mistakes that are easily made, each with its way out; null when it is none of them.
    private static string? FindFault(string entry, ReadOnlySpan<char> scheme, ReadOnlySpan<char> rest)
    {
        if (entry == "null") return "every sandboxed page sends it, so it names nobody; use Custom if you mean it";
        if (scheme.IsEmpty) return "it has no scheme; write https:// or http:// before the host";
        if (HttpGrammar.EqualsIgnoreCase(scheme, "ws") || HttpGrammar.EqualsIgnoreCase(scheme, "wss"))
        {
            return "an origin has the scheme of the page, which is http or https";
        }

        if (rest.ContainsAny("/?#")) return "an origin ends with the host or the port; remove what follows";
        if (rest.ContainsAnyExceptInRange('\0', '\x7f')) return "write the host as browsers send it, in punycode (xn--)";
        var name = rest.StartsWith(Wildcard) ? rest[Wildcard.Length..] : rest;
        if (name.Contains('*')) return "a * may stand only for whole subdomains at the start, as in https://*.example.com";
        return rest.Length != name.Length && name.StartsWith('[') ? "an address has no subdomains" : null;
    }
}
