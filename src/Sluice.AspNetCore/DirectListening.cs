using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Direct;

namespace Sluice.AspNetCore;

/// <summary>WebSockets without HTTP around them.</summary>
public static class DirectListening
{
    /// <summary>
    /// Has the listener answer WebSocket handshakes itself, before HTTP begins: faster to open, and after it nothing of HTTP
    /// stays in memory. Holds for endpoints that were mapped with a handler which does not ask for an <c>HttpContext</c>, and which
    /// carry no authorization, policy or host; all else goes on to HTTP as it came, handshakes that must be refused included.
    /// </summary>
    /// <remarks>
    /// The application's middleware does not see what is answered here: leave it out where one must, as forwarded headers, rate
    /// limiting or request logging. Where a fallback policy of authorization or allowed hosts are configured, nothing is
    /// answered here. A client gets <see cref="KestrelServerLimits.KeepAliveTimeout"/> for its first
    /// bytes. Put it behind <c>UseHttps</c>.
    /// </remarks>
    /// <param name="listen">The listener, as <c>kestrel.ListenLocalhost(8080, listen => listen.UseDirectWebSockets())</c>.</param>
    /// <returns>The same listener.</returns>
    public static ListenOptions UseDirectWebSockets(this ListenOptions listen)
    {
        ArgumentNullException.ThrowIfNull(listen);
        var services = listen.ApplicationServices;
        listen.Use(next =>
        {
            var firstBytes = new FirstBytes(listen.KestrelServerOptions.Limits.KeepAliveTimeout, TimeProvider.System);
            if (services.GetService<IHostApplicationLifetime>() is { } lifetime)
            {
                lifetime.ApplicationStopping.Register(firstBytes.Stop);
                lifetime.ApplicationStopped.Register(firstBytes.Dispose);
            }
            var direct = new DirectWebSockets(new DirectRoutes(services), firstBytes, services, services.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.AspNetCore"));
            return connection => direct.RunAsync(next, connection);
        });
        return listen;
    }
}
