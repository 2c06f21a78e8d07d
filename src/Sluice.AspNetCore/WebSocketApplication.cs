using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.Handshake;

namespace Sluice.AspNetCore;

/// <summary>Sluice behind <see cref="HttpContext.WebSockets"/>, for applications that were written for it, SignalR among them.</summary>
public static class WebSocketApplication
{
    /// <summary>Takes the place of <c>UseWebSockets</c>: <c>AcceptWebSocketAsync</c> gives a connection of Sluice as a
    /// <see cref="System.Net.WebSockets.WebSocket"/> (see <see cref="WebSocketConnection.AsWebSocket"/>). A handshake that the
    /// options do not allow is refused here. When the host stops, what is open is closed with 1001.</summary>
    /// <param name="app">The application.</param>
    /// <param name="options">Whose pages may connect, and limits; <see langword="null"/> for the defaults: pages of the same
    /// origin. The subprotocol is the application's to choose. Keep-alive and compression that it asks for when it accepts
    /// have no effect.</param>
    public static IApplicationBuilder UseSluiceWebSockets(this IApplicationBuilder app, WebSocketEndpointOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        var services = app.ApplicationServices;
        var logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.AspNetCore");
        var chosen = options ?? WebSocketEndpointOptions.Default;
        var open = OpenConnections.Of(services);
        var upgrader = new Upgrader(chosen, logger, open.Count);
        var endpoint = new WebSocketEndpoint(upgrader, static (_, _) => Task.CompletedTask, chosen.OnClosed, open, logger);
        return app.Use(next => context => ServeAsync(context, next));

        async Task ServeAsync(HttpContext context, RequestDelegate next)
        {
            var refusal = upgrader.Check(context);
            if (refusal is { Reason: RefusalReason.Method or RefusalReason.HttpVersion or RefusalReason.Upgrade })
            {
                await next(context).ConfigureAwait(false); // it does not ask for a WebSocket
                return;
            }
            if (refusal is not null)
            {
                await upgrader.RefuseAsync(context, refusal).ConfigureAwait(false);
                return;
            }
            var accepted = new AcceptedWebSocket(context, upgrader, endpoint);
            context.Features.Set<IHttpWebSocketFeature>(accepted);
            try
            {
                await next(context).ConfigureAwait(false);
            }
            finally
            {
                await accepted.EndAsync().ConfigureAwait(false);
            }
        }
    }
}
