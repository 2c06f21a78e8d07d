using Microsoft.AspNetCore.Connections.Features;

namespace Sluice.AspNetCore;

/// <summary>
/// Bounds what comes after a connection: its last bytes are in the server's buffers then, and the server waits for the peer to
/// take them, however long that is. A peer that never reads would keep its socket for ever.
/// </summary>
internal static class TransportEnd
{
    public static async Task EnforceAsync(WebSocketConnection connection, IConnectionLifetimeFeature transport, ConnectionOptions options)
    {
        var closed = transport.ConnectionClosed;
        await connection.Released.ConfigureAwait(false);
        await Task.Delay(options.SendTimeout, options.TimeProvider, closed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!closed.IsCancellationRequested) transport.Abort();
    }
}
