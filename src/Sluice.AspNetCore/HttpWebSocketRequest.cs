using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Sluice.AspNetCore;

/// <summary>A request that came through HTTP.</summary>
internal sealed class HttpWebSocketRequest(HttpContext context) : WebSocketRequest
{
    public override string ConnectionId => RequestFields.IdOf(context);

    public override EndPoint? RemoteEndPoint
        => context.Connection.RemoteIpAddress is { } address ? new IPEndPoint(address, context.Connection.RemotePort) : null;

    public override string Protocol => context.Request.Protocol;

    public override string Scheme => context.Request.Scheme;

    public override string Path => context.Request.Path.Value ?? "";

    public override string QueryString => context.Request.QueryString.Value ?? "";

    public override IHeaderDictionary Headers => context.Request.Headers;

    public override RouteValueDictionary RouteValues => context.Request.RouteValues;

    public override IServiceProvider Services => context.RequestServices;
}
