using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Primitives;
using Sluice.Handshake;

namespace Sluice.AspNetCore.Direct;

/// <summary>A request that was read from the connection itself.</summary>
internal sealed class DirectRequest : WebSocketRequest
{
    private readonly ConnectionContext _connection;

    public DirectRequest(ConnectionContext connection, in RequestHead head, string scheme, string path, RouteValueDictionary values, IServiceProvider services)
    {
        _connection = connection;
        Scheme = scheme;
        Path = path;
        var query = head.Target.IndexOf((byte)'?');
        QueryString = query < 0 ? "" : Encoding.ASCII.GetString(head.Target[query..]);
        Headers = ReadHeaders(head);
        RouteValues = values;
        Services = services;
    }

    public override string ConnectionId => _connection.ConnectionId;

    public override EndPoint? RemoteEndPoint => _connection.RemoteEndPoint;

    public override string Protocol => HttpProtocol.Http11;

    public override string Scheme { get; }

    public override string Path { get; }

    public override string QueryString { get; }

    public override IHeaderDictionary Headers { get; }

    public override RouteValueDictionary RouteValues { get; }

    public override IServiceProvider Services { get; }

    private static HeaderDictionary ReadHeaders(in RequestHead head)
    {
        var headers = new HeaderDictionary();
        foreach (var field in head)
        {
            var name = Encoding.ASCII.GetString(field.Name);
            headers[name] = StringValues.Concat(headers[name], Encoding.ASCII.GetString(field.Value));
        }
        return headers;
    }
}
