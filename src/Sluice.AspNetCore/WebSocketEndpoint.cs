using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sluice.AspNetCore;

/// <summary>Serves the requests of one mapped path: upgrades, runs the handler, closes, tells how it ended.</summary>
internal sealed class WebSocketEndpoint(
    Upgrader upgrader, Func<HttpContext, WebSocketConnection, Task> handler, Action<HttpContext, CloseResult>? onClosed,
    OpenConnections open, ILogger logger)
{
    public async Task ServeAsync(HttpContext context)
    {
        var connection = await upgrader.UpgradeAsync(context).ConfigureAwait(false);
        if (connection is null) return;
        // Over HTTP/2 and 3 many requests share a connection.
        var id = RequestFields.IsMultiplexed(context) ? context.TraceIdentifier : context.Connection.Id;
        var request = context.Request;
        Log.Opened(logger, id, context.Connection.RemoteIpAddress, request.Path, request.Protocol, connection.Subprotocol);
        open.Add(connection);
        await HandleAsync(context, connection, id).ConfigureAwait(false);
        var (code, reason) = open.IsStopping ? (CloseCode.GoingAway, OpenConnections.StopReason) : (CloseCode.NormalClosure, "");
        var result = await connection.CloseAsync(code, reason).ConfigureAwait(false);
        await connection.Released.ConfigureAwait(false);
        open.Remove(connection);
        Tell(context, id, result);
    }

    private async Task HandleAsync(HttpContext context, WebSocketConnection connection, string id)
    {
        try
        {
            await handler(context, connection).ConfigureAwait(false);
        }
        catch (WebSocketClosedException)
        {
            // A send met the end of the connection, which is told later.
        }
        catch (OperationCanceledException)
            when (connection.State != ConnectionState.Open || context.RequestAborted.IsCancellationRequested || open.IsStopping)
        {
            // What the handler waited for was cancelled because the connection, or the server, is ending.
        }
        catch (Exception e)
        {
            Log.HandlerFailed(logger, id, e);
            _ = connection.CloseAsync(CloseCode.InternalError, "the handler failed");
        }
    }

    private void Tell(HttpContext context, string id, CloseResult result)
    {
        if (result.WasClean) Log.Closed(logger, id, result);
        else Log.ClosedAbnormally(logger, id, result);
        try
        {
            onClosed?.Invoke(context, result);
        }
        catch (Exception e)
        {
            Log.CallbackFailed(logger, id, nameof(WebSocketEndpointOptions.OnClosed), e);
        }
    }
}
