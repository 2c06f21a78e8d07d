using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;
using Sluice.Handshake;

namespace Sluice.AspNetCore.Direct;

/// <summary>
/// Looks at what a connection begins with. A WebSocket handshake that is in order, for an endpoint that needs nothing of
/// HTTP, is answered here, and no HTTP connection comes to be; everything else goes on to HTTP as it came, refusals included.
/// </summary>
internal sealed class DirectWebSockets(DirectRoutes routes, FirstBytes firstBytes, IServiceProvider services, ILogger logger)
{
    // One state machine for a connection's whole life: what is in it is in memory for as long.
    public async Task RunAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        await firstBytes.WaitAsync(connection.Transport.Input).ConfigureAwait(false);
        if (!TryOpen(next, connection, out var endpoint, out var socket, out var running))
        {
            // The endpoint's code is not to run on a thread of the transport's own.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            TryOpen(next, connection, out endpoint, out socket, out running);
        }
        try
        {
            await running.ConfigureAwait(false);
        }
        catch (Exception e) when (endpoint is not null)
        {
            endpoint.OnHandlerFailed(e, socket!, connection);
        }
        if (endpoint is not null) await endpoint.EndAsync(connection, socket!).ConfigureAwait(false);
    }

    /// <param name="next">HTTP.</param>
    /// <param name="connection">The transport's.</param>
    /// <param name="endpoint">Ends the connection behind <paramref name="running"/>, if it is a WebSocket.</param>
    /// <param name="socket">The WebSocket.</param>
    /// <param name="running">What to wait for.</param>
    /// <returns><see langword="false"/>: nothing was done, and it is to be called on a thread of the pool.</returns>
    private bool TryOpen(
        ConnectionDelegate next, ConnectionContext connection, out WebSocketEndpoint? endpoint, out WebSocketConnection? socket, out Task running)
    {
        endpoint = null;
        socket = null;
        running = Task.CompletedTask;
        var input = connection.Transport.Input;
        if (!input.TryRead(out var first))
        {
            if (!firstBytes.IsStopping) TellSilent(connection);
            return true;
        }
        if (TryAccept(connection, first.Buffer, out var mustHop) is not { } opening)
        {
            // Nothing is examined, or HTTP would wait for bytes beyond these.
            input.AdvanceTo(first.Buffer.Start);
            if (!mustHop) running = next(connection);
            return !mustHop;
        }
        var flush = opening.Endpoint.AnswerAsync(connection);
        if (!flush.IsCompletedSuccessfully)
        {
            running = OpenLaterAsync(flush, connection, opening);
            return true;
        }
        endpoint = opening.Endpoint;
        socket = endpoint.Open(connection, opening.Accepted, opening.Path);
        running = Run(opening, socket);
        return true;
    }

    // Counted as Kestrel counts those of its own that sent no request in time.
    private void TellSilent(ConnectionContext connection)
    {
        Log.Silent(logger, connection.ConnectionId, (connection.RemoteEndPoint as IPEndPoint)?.Address, firstBytes.Limit);
        connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags.Add(new("error.type", "keep_alive_timeout"));
    }

    // The transport holds back the very first answer.
    private static async Task OpenLaterAsync(ValueTask flush, ConnectionContext connection, Opening opening)
    {
        await flush.ConfigureAwait(false);
        var socket = opening.Endpoint.Open(connection, opening.Accepted, opening.Path);
        try
        {
            await Run(opening, socket).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            opening.Endpoint.OnHandlerFailed(e, socket, connection);
        }
        await opening.Endpoint.EndAsync(connection, socket).ConfigureAwait(false);
    }

    private static Task Run(in Opening opening, WebSocketConnection socket)
    {
        try
        {
            return opening.Run(socket);
        }
        catch (Exception e)
        {
            return Task.FromException(e);
        }
    }

    /// <returns>What to open, its 101 written; <see langword="null"/>: nothing was read or written.</returns>
    private Opening? TryAccept(ConnectionContext connection, in ReadOnlySequence<byte> buffer, out bool mustHop)
    {
        mustHop = false;
        // A head in several pieces is rare, and HTTP's to put together.
        if (RequestHead.TryRead(buffer.FirstSpan, out var head) != RequestHead.Status.Complete || !head.Method.SequenceEqual("GET"u8)) return null;
        var query = head.Target.IndexOf((byte)'?');
        var path = Encoding.ASCII.GetString(query < 0 ? head.Target : head.Target[..query]);
        if (routes.Find(path, out var values) is not { } endpoint) return null;
        mustHop = endpoint.Endpoint.MustHop;
        if (mustHop) return null;

        var scheme = connection.Features.Get<ITlsHandshakeFeature>() is null ? "http" : "https";
        var fields = head.ToHandshakeRequest(scheme, out var hasBody);
        if (hasBody || endpoint.Endpoint.Accept(fields, connection) is not { } accepted) return null;

        Func<WebSocketConnection, Task> run;
        var transport = connection.Transport;
        try
        {
            run = endpoint.Run ?? Choose(endpoint, new DirectRequest(connection, head, scheme, path, values ?? [], services));
            Write(transport.Output, accepted);
        }
        catch
        {
            endpoint.Endpoint.Leave(connection);
            throw;
        }
        transport.Input.AdvanceTo(buffer.GetPosition(head.Length));
        return new Opening(endpoint.Endpoint, accepted, path, run);
    }

    // A choice that fails is a handler that fails.
    private static Func<WebSocketConnection, Task> Choose(DirectEndpoint endpoint, DirectRequest request)
    {
        try
        {
            return endpoint.Choose!(request);
        }
        catch (Exception e)
        {
            return _ => Task.FromException(e);
        }
    }

    private static void Write(PipeWriter output, AcceptedHandshake accepted)
    {
        output.Write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "u8);
        WriteAscii(output, accepted.Outcome.Accept!);
        if (accepted.Outcome.Subprotocol is { } subprotocol)
        {
            output.Write("\r\nSec-WebSocket-Protocol: "u8);
            WriteAscii(output, subprotocol);
        }
        if (accepted.Extension is { } extension)
        {
            output.Write("\r\nSec-WebSocket-Extensions: "u8);
            WriteAscii(output, extension.ToString());
        }
        output.Write("\r\n\r\n"u8);
    }

    private static void WriteAscii(PipeWriter output, string text)
    {
        var length = Encoding.ASCII.GetBytes(text, output.GetSpan(text.Length));
        output.Advance(length);
    }

    private readonly record struct Opening(WebSocketEndpoint Endpoint, AcceptedHandshake Accepted, string Path, Func<WebSocketConnection, Task> Run);
}
