using Sluice.Handshake;

namespace Sluice;

/// <summary>Where a redirect leads (RFC 9110 §15.4), and what of the caller's request may go there.</summary>
internal static class Redirect
{
    // What proves who the caller is, to the origin that it is meant for.
    private static readonly string[] Credentials = ["Authorization", "Proxy-Authorization", "Cookie"];

    /// <summary>Whether a refusal is a redirect. 300 leaves the choice to a person, 304 and 305 lead nowhere.</summary>
    public static bool Is(HandshakeException refusal)
        => refusal.Status is 301 or 302 or 303 or 307 or 308 && refusal.Headers.ContainsKey("Location");

    /// <summary>The next address, and the options for it.</summary>
    /// <exception cref="HandshakeException">It can't be followed.</exception>
    public static (Uri Url, WebSocketClientOptions Options) Follow(Uri url, WebSocketClientOptions options, HandshakeException refusal)
    {
        var next = Resolve(url, refusal);
        if (url.Scheme == "wss" && next.Scheme != "wss") throw Wrong(refusal, "an encrypted connection is not continued in clear text");
        return (next, IsSameOrigin(url, next) ? options : WithoutCredentials(options));
    }

    private static Uri Resolve(Uri url, HandshakeException refusal)
    {
        if (refusal.Headers["Location"] is not [var location] || !Uri.TryCreate(url, location, out var next))
        {
            throw Wrong(refusal, "that is no address");
        }
        try
        {
            // A fragment is for whoever shows a page.
            return ServerUrl.ToWebSocket(next.Fragment.Length == 0 ? next : new UriBuilder(next) { Fragment = "" }.Uri);
        }
        catch (ArgumentException e)
        {
            throw Wrong(refusal, e.ParamName is { } name ? e.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal) : e.Message);
        }
    }

    private static bool IsSameOrigin(Uri one, Uri other)
        => one.Scheme == other.Scheme && one.Port == other.Port && string.Equals(one.IdnHost, other.IdnHost, StringComparison.OrdinalIgnoreCase);

    // Headers that the caller made up may be secret as well, but only the caller can know; browsers let them through.
    private static WebSocketClientOptions WithoutCredentials(WebSocketClientOptions options) => options with
    {
        Authorization = null,
        Headers = [.. options.Headers.Where(header => !Credentials.Contains(header.Key, StringComparer.OrdinalIgnoreCase))],
    };

    private static HandshakeException Wrong(HandshakeException refusal, string why)
    {
        var location = string.Join(", ", refusal.Headers["Location"]);
        return new(ConnectFailure.Refused, $"the server redirects to {Excerpt.Of(location)}, which is not followed: {why}", refusal)
        {
            Status = refusal.Status,
            Reason = refusal.Reason,
            Headers = refusal.Headers,
            Body = refusal.Body,
        };
    }
}
