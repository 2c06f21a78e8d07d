using System.IO.Pipelines;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Direct;
using Sluice.Handshake;

namespace Sluice.AspNetCore;

/// <summary>Serves the requests of one mapped path: upgrades, runs the handler, closes, tells how it ended.</summary>
internal sealed class WebSocketEndpoint(
    Upgrader upgrader, Func<HttpContext, WebSocketConnection, Task> handler, Action<HttpContext, CloseResult>? onClosed,
    OpenConnections open, ILogger logger)
{
    /// <summary>Whether the handler may not run on this thread: it is the transport's own (see <see cref="ConnectionOptions.RunInline"/>).</summary>
    public bool MustHop => !upgrader.RunsInline && !Thread.CurrentThread.IsThreadPoolThread;

    public async Task ServeAsync(HttpContext context)
    {
        var connection = await OpenAsync(context, upgrader).ConfigureAwait(false);
        if (connection is null) return;
        if (MustHop) await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await HandleAsync(context, connection).ConfigureAwait(false);
        await EndAsync(context, connection).ConfigureAwait(false);
    }

    /// <summary>Checks a handshake that came without HTTP.</summary>
    /// <returns>What to answer, and then to serve; <see langword="null"/> when it would be refused.</returns>
    public AcceptedHandshake? Accept(in HandshakeRequest request, ConnectionContext transport) => upgrader.Accept(request, AddressOf(transport));

    /// <summary>What was accepted could not be answered.</summary>
    public void Leave(ConnectionContext transport) => upgrader.Leave(AddressOf(transport));

    /// <summary>Sends the 101 that was written.</summary>
    public ValueTask AnswerAsync(ConnectionContext transport)
    {
        var flush = transport.Transport.Output.FlushAsync(CancellationToken.None);
        if (!flush.IsCompletedSuccessfully) return AnswerAsync(flush, transport);
        flush.GetAwaiter().GetResult();
        return default;
    }

    /// <summary>Opens a connection whose 101 is sent. Who opens calls <see cref="EndAsync(ConnectionContext, WebSocketConnection)"/>.</summary>
    public WebSocketConnection Open(ConnectionContext transport, AcceptedHandshake accepted, string path)
    {
        try
        {
            if (logger.IsEnabled(LogLevel.Debug))
            {
                Log.Opened(logger, transport.ConnectionId, AddressOf(transport), path, HttpProtocol.Http11, Subprotocol(accepted.Outcome.Subprotocol));
            }
            var connection = upgrader.Connect(transport, accepted);
            open.Add(connection, Task.CompletedTask);
            return connection;
        }
        catch
        {
            Leave(transport); // a place that nobody gives back is lost for good
            throw;
        }
    }

    /// <summary>The handler has failed; how the connection ends is still to be told.</summary>
    public void OnHandlerFailed(Exception error, WebSocketConnection connection, ConnectionContext transport)
        => OnHandlerFailed(error, connection, transport.ConnectionId, aborted: false);

    /// <summary>Closes what is open, waits until the transport is released, and tells how it ended.</summary>
    public async Task EndAsync(ConnectionContext transport, WebSocketConnection connection)
    {
        var result = await CloseAsync(connection).ConfigureAwait(false);
        Leave(transport);
        Log.Ended(logger, transport.ConnectionId, result);
    }

    private async ValueTask AnswerAsync(ValueTask<FlushResult> flush, ConnectionContext transport)
    {
        try
        {
            await flush.ConfigureAwait(false);
        }
        catch
        {
            Leave(transport);
            throw;
        }
    }

    private static IPAddress? AddressOf(ConnectionContext transport) => (transport.RemoteEndPoint as IPEndPoint)?.Address;

    /// <summary>Upgrades; <see langword="null"/> when the handshake was refused. Who opens calls <see cref="EndAsync(HttpContext, WebSocketConnection)"/>.</summary>
    public async Task<WebSocketConnection?> OpenAsync(HttpContext context, Upgrader by)
    {
        var (connection, left) = await by.EnterAsync(context).ConfigureAwait(false);
        if (connection is null) return null;
        var request = context.Request;
        Log.Opened(logger, RequestFields.IdOf(context), context.Connection.RemoteIpAddress, request.Path, request.Protocol, Subprotocol(connection.Subprotocol));
        open.Add(connection, left);
        return connection;
    }

    /// <summary>Closes what is open, waits until the transport is released, and tells how it ended.</summary>
    public async Task EndAsync(HttpContext context, WebSocketConnection connection)
    {
        var result = await CloseAsync(connection).ConfigureAwait(false);
        Tell(context, RequestFields.IdOf(context), result);
    }

    private static string Subprotocol(string? agreed) => agreed is null ? "no subprotocol" : "subprotocol " + agreed;

    private async Task<CloseResult> CloseAsync(WebSocketConnection connection)
    {
        var (code, reason) = open.IsStopping ? (CloseCode.GoingAway, OpenConnections.StopReason) : (CloseCode.NormalClosure, "");
        var result = await connection.CloseAsync(code, reason).ConfigureAwait(false);
        await connection.Released.ConfigureAwait(false);
        await open.RemoveAsync(connection).ConfigureAwait(false);
        return result;
    }

    private async Task HandleAsync(HttpContext context, WebSocketConnection connection)
    {
        try
        {
            await handler(context, connection).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            OnHandlerFailed(e, connection, RequestFields.IdOf(context), context.RequestAborted.IsCancellationRequested);
        }
    }

    // No fault of the handler's: a send that met the end of the connection, which is told later, through the BCL's type too;
    // and a wait that was cancelled because the connection, or the server, is ending.
    private void OnHandlerFailed(Exception error, WebSocketConnection connection, string id, bool aborted)
    {
        var ending = connection.State != ConnectionState.Open;
        if (error is WebSocketClosedException
            || (error is WebSocketException && ending)
            || (error is OperationCanceledException && (ending || aborted || open.IsStopping)))
        {
            return;
        }
        Log.HandlerFailed(logger, id, error);
        _ = connection.CloseAsync(CloseCode.InternalError, "the handler failed");
    }

    private void Tell(HttpContext context, string id, CloseResult result)
    {
        Log.Ended(logger, id, result);
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
