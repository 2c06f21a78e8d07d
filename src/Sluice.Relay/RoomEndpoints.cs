using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Sluice.AspNetCore;

namespace Sluice.Relay;

/// <summary>Rooms as WebSocket endpoints.</summary>
public static class RoomEndpoints
{
    /// <summary>Maps a path with a <c>{room}</c> in it: who connects joins that room. <c>?self=true</c> asks for one's own messages, too.</summary>
    /// <param name="endpoints">The application.</param>
    /// <param name="pattern">The route, as <c>/rooms/{room}</c>; a constraint may bound the name, as <c>{room:maxlength(128)}</c>.</param>
    /// <param name="rooms">The rooms.</param>
    /// <param name="options">What the endpoint agrees to, and limits; <see langword="null"/> for the defaults.</param>
    public static IEndpointConventionBuilder MapRooms(
        this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Rooms rooms, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(rooms);
        var chosen = options ?? WebSocketEndpointOptions.Default;
        // Forwarding never blocks; somebody's callback may.
        if (rooms.Options.OnMessage is null) chosen = chosen with { Connection = chosen.Connection with { RunInline = true } };
        var metrics = chosen.Connection.Metrics;
        return endpoints.MapWebSocket(pattern, Join, chosen);

        Func<WebSocketConnection, Task> Join(WebSocketRequest request)
        {
            var name = request.RouteValues["room"] as string ?? "";
            var self = bool.TryParse(request.Query["self"], out var value) && value;
            return connection => rooms.JoinAsync(name, connection, metrics, self);
        }
    }
}
