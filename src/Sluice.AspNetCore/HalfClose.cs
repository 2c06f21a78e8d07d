using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sluice.AspNetCore;

/// <summary>Answers for clients that have ended their sending side.</summary>
public static class HalfClose
{
    /// <summary>
    /// Has the listener's connections outlast the end of the client's sending side while a WebSocket is open: what was asked
    /// before that is answered. Without it Kestrel takes a client's FIN for the end of the connection, and what was not on its
    /// way by then is lost. Other requests are aborted one second after the FIN, instead of at once.
    /// </summary>
    /// <param name="listen">The listener, as <c>kestrel.ListenLocalhost(8080, listen => listen.UseHalfClose())</c>.</param>
    /// <returns>The same listener.</returns>
    public static ListenOptions UseHalfClose(this ListenOptions listen)
    {
        ArgumentNullException.ThrowIfNull(listen);
        listen.Use(static next => connection => RunAsync(next, connection));
        return listen;
    }

    private static async Task RunAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        var halfOpen = new HalfOpenConnection(connection);
        await using (halfOpen.ConfigureAwait(false)) await next(halfOpen).ConfigureAwait(false);
    }
}
