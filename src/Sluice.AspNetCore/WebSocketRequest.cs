using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;

namespace Sluice.AspNetCore;

/// <summary>
/// The request that opened a WebSocket, for handlers that are chosen by it. Good while the handler is being chosen and no
/// longer: what is of use later is to be copied. Not thread-safe.
/// </summary>
public abstract class WebSocketRequest
{
    private QueryCollection? _query;

    private protected WebSocketRequest()
    {
    }

    /// <summary>Names the connection, or the stream of one that many share, in logs.</summary>
    public abstract string ConnectionId { get; }

    /// <summary>The client's address, or that of the last proxy before this server.</summary>
    public abstract EndPoint? RemoteEndPoint { get; }

    /// <summary><c>HTTP/1.1</c>, <c>HTTP/2</c> or <c>HTTP/3</c>.</summary>
    public abstract string Protocol { get; }

    /// <summary><c>http</c> or <c>https</c>.</summary>
    public abstract string Scheme { get; }

    /// <summary>The path, unescaped, as <c>/rooms/a</c>.</summary>
    public abstract string Path { get; }

    /// <summary>The query as it came, with its question mark; empty when there is none.</summary>
    public abstract string QueryString { get; }

    /// <summary>The header fields.</summary>
    public abstract IHeaderDictionary Headers { get; }

    /// <summary>What the route's parameters matched, as <c>room</c> of <c>/rooms/{room}</c>.</summary>
    public abstract RouteValueDictionary RouteValues { get; }

    /// <summary>The application's services.</summary>
    public abstract IServiceProvider Services { get; }

    /// <summary>The query's fields, unescaped.</summary>
    public IQueryCollection Query => _query ??= new QueryCollection(QueryHelpers.ParseQuery(QueryString));
}
