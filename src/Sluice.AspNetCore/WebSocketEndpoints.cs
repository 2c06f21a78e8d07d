using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Direct;

namespace Sluice.AspNetCore;

/// <summary>
/// WebSocket endpoints in ASP.NET Core's routing, over HTTP/1.1 and, where the server offers extended CONNECT, HTTP/2 and 3.
/// When the host stops, what is open is closed with 1001.
/// </summary>
public static class WebSocketEndpoints
{
    /// <summary>Maps a path to a handler that gets each connection.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route, as <c>/rooms/{room}</c>.</param>
    /// <param name="handler">Runs for as long as the connection is wanted. When it returns, the connection is closed with 1000;
    /// when it throws, with 1011 and an error in the log; <see cref="WebSocketClosedException"/> is no error. It should end when
    /// <see cref="WebSocketConnection.Closed"/> does: until then the host's shutdown waits for it, within
    /// <c>HostOptions.ShutdownTimeout</c>.</param>
    /// <param name="options">What to agree to, and limits; <see langword="null"/> for the defaults.</param>
    public static IEndpointConventionBuilder MapWebSocket(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern,
        Func<WebSocketConnection, Task> handler, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Map(endpoints, pattern, (_, connection) => handler(connection), options, handler, choose: null);
    }

    /// <summary>Maps a path to callbacks that run on the receive loop: the fastest way.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="handler">Serves all connections of the endpoint.</param>
    /// <param name="options">What to agree to, and limits; <see langword="null"/> for the defaults.</param>
    public static IEndpointConventionBuilder MapWebSocket(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern,
        IWebSocketHandler handler, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Map(endpoints, pattern, (_, connection) => connection.RunAsync(handler), options, connection => connection.RunAsync(handler), choose: null);
    }

    /// <summary>Maps a path to handlers that are chosen by the request.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="choose">Reads the request and gives the handler of its connection, as
    /// <c>request => { var user = request.Query["user"]; return socket => ChatAsync(socket, user); }</c>. The request is not good
    /// any more when the handler runs. When it throws, the connection is closed with 1011.</param>
    /// <param name="options">What to agree to, and limits; <see langword="null"/> for the defaults.</param>
    public static IEndpointConventionBuilder MapWebSocket(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern,
        Func<WebSocketRequest, Func<WebSocketConnection, Task>> choose, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(choose);
        return Map(endpoints, pattern, (context, connection) => choose(new HttpWebSocketRequest(context))(connection), options, run: null, choose);
    }

    /// <summary>Maps a path to a handler that gets each connection with its request.</summary>
    /// <inheritdoc cref="MapWebSocket(IEndpointRouteBuilder, string, Func{WebSocketConnection, Task}, WebSocketEndpointOptions?)" path="/param"/>
    public static IEndpointConventionBuilder MapWebSocket(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern,
        Func<HttpContext, WebSocketConnection, Task> handler, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Map(endpoints, pattern, handler, options, run: null, choose: null);
    }

    private static IEndpointConventionBuilder Map(
        IEndpointRouteBuilder endpoints, string pattern, Func<HttpContext, WebSocketConnection, Task> handler, WebSocketEndpointOptions? options,
        Func<WebSocketConnection, Task>? run, Func<WebSocketRequest, Func<WebSocketConnection, Task>>? choose)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var logger = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.AspNetCore");
        var open = OpenConnections.Of(endpoints.ServiceProvider);
        var endpoint = new WebSocketEndpoint(new Upgrader(options, logger, open.Count), handler, options?.OnClosed, open, logger);
        RequestDelegate http = endpoint.ServeAsync;
        var builder = endpoints.Map(pattern, http);
        // Who wants the request's context has it from HTTP.
        if ((run ?? (object?)choose) is not null && options?.OnClosed is null) builder.WithMetadata(new DirectEndpoint(endpoint, run, choose, http));
        return builder;
    }
}
