using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Sluice.Handshake;

namespace Sluice.AspNetCore;

/// <summary>What the opening handshake needs, read from ASP.NET Core's request.</summary>
internal static class RequestFields
{
    /// <summary>Whether the request is one stream of several on its connection: HTTP/2 or 3.</summary>
    public static bool IsMultiplexed(HttpContext context)
    {
        var version = context.Request.Protocol;
        return HttpProtocol.IsHttp2(version) || HttpProtocol.IsHttp3(version);
    }

    /// <summary>Names the connection in logs; over HTTP/2 and 3, where many requests share one, the request.</summary>
    public static string IdOf(HttpContext context) => IsMultiplexed(context) ? context.TraceIdentifier : context.Connection.Id;

    public static HandshakeRequest Read(HttpContext context)
    {
        var request = context.Request;
        var headers = request.Headers;
        return new HandshakeRequest
        {
            Method = request.Method,
            HttpVersion = request.Protocol,
            Scheme = request.Scheme,
            Protocol = context.Features.Get<IHttpExtendedConnectFeature>()?.Protocol,
            Host = Join(headers.Host),
            Upgrade = Join(headers.Upgrade),
            Connection = Join(headers.Connection),
            Key = Join(headers.SecWebSocketKey),
            Version = Join(headers.SecWebSocketVersion),
            Subprotocols = Join(headers.SecWebSocketProtocol),
            Extensions = Join(headers.SecWebSocketExtensions),
            Origin = Join(headers.Origin),
        };
    }

    private static string? Join(StringValues values) => values.Count == 0 ? null : values.ToString();
}
