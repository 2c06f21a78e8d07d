using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sluice.AspNetCore;

/// <summary>WebSocket endpoints in ASP.NET Core's routing.</summary>
public static class WebSocketEndpoints
{
    /// <summary>Maps a path to a handler that gets each connection.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route, as <c>/rooms/{room}</c>.</param>
    /// <param name="handler">Runs for as long as the connection is wanted. When it returns, the connection is closed with 1000;
    /// when it throws, with 1011 and an error in the log; <see cref="WebSocketClosedException"/> is no error.</param>
    /// <param name="options">What to agree to, and limits; <see langword="null"/> for the defaults.</param>
    public static IEndpointConventionBuilder MapWebSocket(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern,
        Func<WebSocketConnection, Task> handler, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return endpoints.MapWebSocket(pattern, (_, connection) => handler(connection), options);
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
        return endpoints.MapWebSocket(pattern, (_, connection) => connection.RunAsync(handler), options);
    }

    /// <summary>Maps a path to a handler that gets each connection with its request.</summary>
    /// <inheritdoc cref="MapWebSocket(IEndpointRouteBuilder, string, Func{WebSocketConnection, Task}, WebSocketEndpointOptions?)" path="/param"/>
    public static IEndpointConventionBuilder MapWebSocket(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern,
        Func<HttpContext, WebSocketConnection, Task> handler, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(handler);
        var logger = endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.AspNetCore");
        var endpoint = new WebSocketEndpoint(
            new Upgrader(options, logger), handler, options?.OnClosed, OpenConnections.Of(endpoints.ServiceProvider), logger);
        return endpoints.Map(pattern, endpoint.ServeAsync);
    }

    private sealed class WebSocketEndpoint(
        Upgrader upgrader, Func<HttpContext, WebSocketConnection, Task> handler, Action<HttpContext, CloseResult>? onClosed,
        OpenConnections open, ILogger logger)
    {
        public async Task ServeAsync(HttpContext context)
        {
            var connection = await upgrader.UpgradeAsync(context).ConfigureAwait(false);
            if (connection is null) return;
            var id = context.Connection.Id;
            Log.Opened(logger, id, context.Connection.RemoteIpAddress, context.Request.Path, connection.Subprotocol);
            open.Add(connection);
            try
            {
                await handler(context, connection).ConfigureAwait(false);
            }
            catch (WebSocketClosedException)
            {
                // A send met the end of the connection, which is told below.
            }
            catch (OperationCanceledException) when (connection.State != ConnectionState.Open)
            {
                // What the handler waited for was cancelled because the connection, or the server, is ending.
            }
            catch (Exception e)
            {
                Log.HandlerFailed(logger, id, e);
                _ = connection.CloseAsync(CloseCode.InternalError, "the handler failed");
            }
            await connection.DisposeAsync().ConfigureAwait(false);
            open.Remove(connection);
            Tell(context, id, connection.CloseResult!);
        }

        private void Tell(HttpContext context, string id, CloseResult result)
        {
            if (result.WasClean) Log.Closed(logger, id, result);
            else Log.ClosedAbnormally(logger, id, result);
            onClosed?.Invoke(context, result);
        }
    }
}
