using System.Net;
using System.Net.Http;
using Microsoft.Net.Http.Headers;
using Sluice.Handshake;

namespace Sluice.Proxy;

/// <summary>
/// Checks a 101 (RFC 6455 §4.2.2). A tunnel is opened on a valid one only: a backend that did not mean it would read the
/// tunnel's bytes as requests, past every rule of the proxy.
/// </summary>
internal static class UpgradeAnswer
{
    /// <summary>What is wrong with the answer to this key, or <see langword="null"/>.</summary>
    public static string? Problem(HttpResponseMessage response, string key)
    {
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols) return "no 101";
        if (!HeaderTokens.IsOnly(ResponseHead.Values(response.Headers, HeaderNames.Upgrade), "websocket")) return "Upgrade is not websocket";
        if (!HeaderTokens.Contains(ResponseHead.Values(response.Headers, HeaderNames.Connection), "upgrade")) return "Connection does not name Upgrade";
        var accept = ResponseHead.Values(response.Headers, HeaderNames.SecWebSocketAccept);
        return accept.Count == 1 && string.Equals(accept[0], HandshakeKey.ComputeAccept(key), StringComparison.Ordinal)
            ? null
            : "Sec-WebSocket-Accept does not answer the key";
    }
}
