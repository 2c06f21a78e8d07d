using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Cli.Page;
using Sluice.Relay;

namespace Sluice.Cli.Serve;

/// <summary>What <c>sluice serve</c> offers, each endpoint a few lines over the library.</summary>
internal sealed class Endpoints(WebApplication app, WebSocketEndpointOptions options, ILogger? messages, PrometheusText metrics)
{
    public void Map()
    {
        app.MapPage();
        MapEcho();
        MapPush();
        MapRooms();
        MapHealth();
        app.MapGet("/metrics", (RequestDelegate)(context =>
        {
            context.Response.ContentType = PrometheusText.ContentType;
            return context.Response.WriteAsync(metrics.Write(), context.RequestAborted);
        }));
    }

    private void MapEcho()
    {
        var echo = new EchoHandler();
        if (messages is null) app.MapWebSocket("/echo", echo, options);
        else app.MapWebSocket("/echo", (context, connection) => connection.RunAsync(Logged(echo, context)), options);
    }

    private void MapPush()
    {
        app.MapWebSocket("/push", Push, options).Add(endpoint =>
        {
            // A query that can't be served is refused before the handshake, so that the client sees a status.
            var upgrade = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context =>
            {
                if (PushRequest.TryRead(context.Request.Query, out var error) is not null) return upgrade(context);
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                return context.Response.WriteAsync(error + "\n", context.RequestAborted);
            };
        });

        Task Push(HttpContext context, WebSocketConnection connection)
        {
            var request = PushRequest.TryRead(context.Request.Query, out _)!;
            var handler = new PushHandler(
                new PreparedMessage(request.Message), request.Every, options.Connection.Metrics, options.Connection.TimeProvider);
            return connection.RunAsync(messages is null ? handler : Logged(handler, context));
        }
    }

    private void MapRooms()
    {
        var rooms = new Rooms(new RoomOptions
        {
            OnMessage = messages is null ? null : (room, type, payload) => LoggingHandler.Write(messages, "room " + room, type, payload),
        });
        app.MapRooms("/rooms/{room:maxlength(128)}", rooms, options);
    }

    private void MapHealth()
    {
        var lifetime = app.Services.GetRequiredService<IHostApplicationLifetime>();
        app.MapGet("/healthz", (RequestDelegate)(context =>
        {
            var stopping = lifetime.ApplicationStopping.IsCancellationRequested;
            context.Response.StatusCode = stopping ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            return context.Response.WriteAsync(stopping ? "draining\n" : "ok\n", context.RequestAborted);
        }));
    }

    private LoggingHandler Logged(IWebSocketHandler handler, HttpContext context) => new(handler, messages!, context.Connection.Id);
}
