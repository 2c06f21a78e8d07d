using System.Net;
using System.Net.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Sluice.Proxy;

/// <summary>Makes the backend's request out of the client's: header fields by RFC 9110 §7.6.1, and who the client is.</summary>
internal static class BackendRequest
{
    /// <summary>The request to send.</summary>
    /// <param name="from">The client's request.</param>
    /// <param name="method">What to do; for an upgrade always GET.</param>
    /// <param name="url">Where.</param>
    /// <param name="host">The <c>Host</c> to send.</param>
    /// <param name="content">The body, or <see langword="null"/>.</param>
    /// <param name="emptyContent">Makes a body of length 0, for a request without one that yet describes it (<c>Content-Type</c>): the handler keeps such fields with a body only.</param>
    public static HttpRequestMessage Create(HttpRequest from, string method, Uri url, string host, HttpContent? content, Func<HttpContent> emptyContent)
    {
        var to = new HttpRequestMessage(new HttpMethod(method), url)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        if (host.Length > 0) to.Headers.TryAddWithoutValidation(HeaderNames.Host, host); // first, as RFC 9110 §7.2 advises
        var hopByHop = new HopByHop(from.Headers.Connection);
        foreach (var (name, values) in from.Headers)
        {
            if (IsOurs(name) || hopByHop.Contains(name)) continue;
            if (content is null && name.Equals(HeaderNames.Expect, StringComparison.OrdinalIgnoreCase)) continue;
            if (Add(to.Headers, name, values)) continue;
            to.Content ??= emptyContent();
            Add(to.Content.Headers, name, values);
        }

        if (HeaderTokens.Contains(from.Headers.TE, "trailers"))
        {
            to.Headers.TryAddWithoutValidation(HeaderNames.TE, "trailers");
            to.Headers.TryAddWithoutValidation(HeaderNames.Connection, "TE"); // RFC 9110 §10.1.4
        }

        AddForwarded(from, to, hopByHop.Contains(ForwardedFor) ? default : from.Headers[ForwardedFor]);
        return to;
    }

    private const string ForwardedFor = "X-Forwarded-For";
    private const string ForwardedProto = "X-Forwarded-Proto";
    private const string ForwardedHost = "X-Forwarded-Host";

    // Set below or by the handler. Forwarded (RFC 7239) is dropped: nobody keeps it true here, and a client could write what it likes.
    private static bool IsOurs(string name) =>
        name.Equals(HeaderNames.Host, StringComparison.OrdinalIgnoreCase)
        || name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase)
        || name.Equals(ForwardedFor, StringComparison.OrdinalIgnoreCase)
        || name.Equals(ForwardedProto, StringComparison.OrdinalIgnoreCase)
        || name.Equals(ForwardedHost, StringComparison.OrdinalIgnoreCase)
        || name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith(':'); // HTTP/2's pseudo-header fields

    private static void AddForwarded(HttpRequest from, HttpRequestMessage to, StringValues earlier)
    {
        var client = Text(from.HttpContext.Connection.RemoteIpAddress);
        var chain = string.Join(", ", earlier.Where(v => !string.IsNullOrEmpty(v)).Append(client).OfType<string>());
        if (chain.Length > 0) to.Headers.TryAddWithoutValidation(ForwardedFor, chain);
        to.Headers.TryAddWithoutValidation(ForwardedProto, from.Scheme);
        if (from.Host.HasValue) to.Headers.TryAddWithoutValidation(ForwardedHost, from.Host.Value);
    }

    private static string? Text(IPAddress? address)
    {
        if (address is null) return null; // a unix socket
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && address.ScopeId != 0
            ? new IPAddress(address.GetAddressBytes()).ToString() // a zone means nothing to others
            : address.ToString();
    }

    private static bool Add(System.Net.Http.Headers.HttpHeaders headers, string name, StringValues values) =>
        values.Count == 1 ? headers.TryAddWithoutValidation(name, values[0]) : headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
}
