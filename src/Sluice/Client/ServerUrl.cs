namespace Sluice;

/// <summary>What a client takes as a server's address: <c>ws</c>, <c>wss</c>, <c>http</c> and <c>https</c> URLs (RFC 6455 §3).</summary>
internal static class ServerUrl
{
    private const string Example = "write it as ws://host:port/path";

    /// <exception cref="ArgumentException">The text is no such URL.</exception>
    public static Uri Parse(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        return Uri.TryCreate(url, UriKind.Absolute, out var parsed)
            ? ToWebSocket(parsed)
            : throw Wrong("is no absolute URL", Example, nameof(url));
    }

    /// <summary>The URL with the scheme <c>ws</c> or <c>wss</c>.</summary>
    /// <exception cref="ArgumentException">The URL can't name a WebSocket.</exception>
    public static Uri ToWebSocket(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (!url.IsAbsoluteUri) throw Wrong("is not absolute", Example, nameof(url));
        // §3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on these URIs."
        if (url.Fragment.Length > 0)
        {
            const string What = "has a fragment, which a WebSocket URL may not have (RFC 6455 §3)";
            throw Wrong(What, "escape # as %23, or leave it out", nameof(url));
        }
        if (url.UserInfo.Length > 0)
        {
            throw Wrong("has a user name in it, which would not be sent", "send an Authorization header", nameof(url));
        }
        return url.Scheme switch
        {
            "ws" or "wss" => Named(url),
            "http" => WithScheme(url, "ws"),
            "https" => WithScheme(url, "wss"),
            _ => throw Wrong($"has the scheme {url.Scheme}", "use ws, wss, http or https", nameof(url)),
        };
    }

    private static Uri WithScheme(Uri url, string scheme)
        => new UriBuilder(Named(url)) { Scheme = scheme, Port = url.IsDefaultPort ? -1 : url.Port }.Uri;

    private static Uri Named(Uri url)
        => url.Host.Length > 0 ? url : throw Wrong("names no host", Example, nameof(url));

    // The URL itself is not quoted: its query may hold a secret.
    private static ArgumentException Wrong(string what, string instead, string parameter)
        => new($"the server's URL {what}; {instead}", parameter);
}
