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
    public async Task RunAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        var first = await firstBytes.ReadAsync(input).ConfigureAwait(false);
        if (TryOpen(connection, first.Buffer, out var running))
        {
            await running.ConfigureAwait(false);
            return;
        }
        // Nothing is examined, or HTTP would wait for bytes beyond these.
        input.AdvanceTo(first.Buffer.Start);
        if (first.IsCanceled && first.Buffer.IsEmpty)
        {
            if (!firstBytes.IsStopping) TellSilent(connection);
            return;
        }
        await next(connection).ConfigureAwait(false);
    }

    // Counted as Kestrel counts those of its own that sent no request in time.
    private void TellSilent(ConnectionContext connection)
    {
        Log.Silent(logger, connection.ConnectionId, (connection.RemoteEndPoint as IPEndPoint)?.Address, firstBytes.Limit);
        connection.Features.Get<IConnectionMetricsTagsFeature>()?.Tags.Add(new("error.type", "keep_alive_timeout"));
    }

    /// <returns>Whether the connection was taken; if not, nothing was read or written.</returns>
    private bool TryOpen(ConnectionContext connection, in ReadOnlySequence<byte> buffer, out Task running)
    {
        running = Task.CompletedTask;
        // A head in several pieces is rare, and HTTP's to put together.
        if (RequestHead.TryRead(buffer.FirstSpan, out var head) != RequestHead.Status.Complete || !head.Method.SequenceEqual("GET"u8)) return false;
        var query = head.Target.IndexOf((byte)'?');
        var path = Encoding.ASCII.GetString(query < 0 ? head.Target : head.Target[..query]);
        if (routes.Find(path, out var values) is not { } endpoint) return false;

        var scheme = connection.Features.Get<ITlsHandshakeFeature>() is null ? "http" : "https";
        var fields = head.ToHandshakeRequest(scheme, out var hasBody);
        if (hasBody || endpoint.Endpoint.Accept(fields, connection) is not { } accepted) return false;

        var run = endpoint.Run ?? Choose(endpoint, new DirectRequest(connection, head, scheme, path, values ?? [], services));
        var transport = connection.Transport;
        Write(transport.Output, accepted);
        transport.Input.AdvanceTo(buffer.GetPosition(head.Length));
        running = endpoint.Endpoint.ServeAsync(connection, accepted, path, run);
        return true;
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
}
