using System.Net.WebSockets;
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
        var connection = await OpenAsync(context, upgrader).ConfigureAwait(false);
        if (connection is null) return;
        await HandleAsync(context, connection, IdOf(context)).ConfigureAwait(false);
        await EndAsync(context, connection).ConfigureAwait(false);
    }

    /// <summary>Upgrades; <see langword="null"/> when the handshake was refused. Who opens calls <see cref="EndAsync"/>.</summary>
    public async Task<WebSocketConnection?> OpenAsync(HttpContext context, Upgrader by)
    {
        var (connection, left) = await by.EnterAsync(context).ConfigureAwait(false);
        if (connection is null) return null;
        var request = context.Request;
        var subprotocol = connection.Subprotocol is { } agreed ? "subprotocol " + agreed : "no subprotocol";
        Log.Opened(logger, IdOf(context), context.Connection.RemoteIpAddress, request.Path, request.Protocol, subprotocol);
        open.Add(connection, left);
        return connection;
    }

    /// <summary>Closes what is open, waits until the transport is released, and tells how it ended.</summary>
    public async Task EndAsync(HttpContext context, WebSocketConnection connection)
    {
        var (code, reason) = open.IsStopping ? (CloseCode.GoingAway, OpenConnections.StopReason) : (CloseCode.NormalClosure, "");
        var result = await connection.CloseAsync(code, reason).ConfigureAwait(false);
        await connection.Released.ConfigureAwait(false);
        await open.RemoveAsync(connection).ConfigureAwait(false);
        Tell(context, IdOf(context), result);
    }

    // Over HTTP/2 and 3 many requests share a connection.
    private static string IdOf(HttpContext context)
        => RequestFields.IsMultiplexed(context) ? context.TraceIdentifier : context.Connection.Id;

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
        catch (WebSocketException) when (connection.State != ConnectionState.Open)
        {
            // So did a receive or a send through the BCL's type.
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
