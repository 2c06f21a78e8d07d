using System.Net;
using System.Net.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using Sluice.Handshake;

namespace Sluice.Proxy;

/// <summary>
/// Forwards a WebSocket handshake and, once the backend has truly agreed, opens a tunnel. Each upgrade has a connection of
/// its own, never a pooled one, so that its end is ours to shut and no byte of another exchange can be on it.
/// </summary>
internal sealed class UpgradeForwarder(Backend backend, ProxyOptions options, ProxyMetrics metrics, ILogger logger, OpenTunnels tunnels)
{
    /// <summary>Runs the upgrade and its tunnel to their end.</summary>
    /// <exception cref="FailedException">No valid answer came; nothing was sent to the client.</exception>
    public async Task ForwardAsync(Exchange exchange, ClientUpgrade client)
    {
        if (tunnels.Draining) throw new FailedException(Failure.Draining);
        if (!HandshakeKey.IsValid(client.Key)) throw new BadHttpRequestException("Sec-WebSocket-Key is missing or not 16 bytes in base64 (RFC 6455 §4.2.1)");

        BackendTunnelEnd? end = null;
        try
        {
            end = await ConnectAsync(exchange, client).ConfigureAwait(false);
        }
        catch
        {
            metrics.Upgrade("failed");
            throw;
        }

        if (end is null) return;
        if (!tunnels.TryEnter())
        {
            // The host began to stop meanwhile.
            await end.Connection.CloseAsync().ConfigureAwait(false);
            throw new FailedException(Failure.Draining);
        }
        try
        {
            await TunnelAsync(exchange, client, end).ConfigureAwait(false);
        }
        finally
        {
            tunnels.Leave();
        }
    }

    /// <summary>The backend's end of the tunnel, or <see langword="null"/> when it refused, which the client was then told.</summary>
    private async Task<BackendTunnelEnd?> ConnectAsync(Exchange exchange, ClientUpgrade client)
    {
        BackendConnection? connection = null;
        using var invoker = new HttpMessageInvoker(backend.CreateHandler(c => connection = c));
        using var deadline = new ResponseDeadline(options, exchange.Context.RequestAborted);
        using var request = CreateRequest(exchange, client);
        using var response = await ReverseProxy.SendAsync(invoker, request, deadline, body: null).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
        {
            await RefuseAsync(exchange, response).ConfigureAwait(false);
            return null;
        }

        if (UpgradeAnswer.Problem(response, client.Key) is { } problem) throw new FailedException(Failure.InvalidUpgrade(problem));
        if (ResponseHead.CopyFields(response, exchange.Context.Response) is { } invalid) throw new FailedException(Failure.Invalid(invalid));

        var content = await response.Content.ReadAsStreamAsync(deadline.Token).ConfigureAwait(false);
        return new(connection!, await connection!.TakeOverAsync(content).ConfigureAwait(false));
    }

    private static HttpRequestMessage CreateRequest(Exchange exchange, ClientUpgrade client)
    {
        var request = exchange.CreateRequest(HttpMethods.Get, content: null, static () => new ByteArrayContent([]));
        request.Headers.TryAddWithoutValidation(HeaderNames.Connection, "Upgrade");
        request.Headers.TryAddWithoutValidation(HeaderNames.Upgrade, "websocket");
        if (client.IsExtendedConnect)
        {
            request.Headers.Remove(HeaderNames.SecWebSocketKey);
            request.Headers.TryAddWithoutValidation(HeaderNames.SecWebSocketKey, client.Key);
        }

        return request;
    }

    // The client's connection ends with it: bytes behind the handshake may be meant for a tunnel, and must not be read as requests.
    private async Task RefuseAsync(Exchange exchange, HttpResponseMessage response)
    {
        metrics.Upgrade("refused");
        Log.UpgradeRefused(logger, exchange.Path, (int)response.StatusCode);
        await new ResponseForwarder(exchange, options, metrics, logger).ForwardAsync(response, close: true).ConfigureAwait(false);
    }

    private async Task TunnelAsync(Exchange exchange, ClientUpgrade client, BackendTunnelEnd end)
    {
        var context = exchange.Context;
        try
        {
            if (client.IsExtendedConnect) context.Response.Headers.Remove(HeaderNames.SecWebSocketAccept);
            var pipe = await client.AcceptAsync().ConfigureAwait(false);
            metrics.Upgrade("accepted");
            var tunnel = new Tunnel(pipe, context.Abort, end, options, metrics);
            using (tunnel) await tunnels.RunAsync(tunnel).ConfigureAwait(false);
            Report(exchange, tunnel);
        }
        catch (InvalidOperationException) when (!context.Response.HasStarted)
        {
            metrics.Upgrade("failed");
            throw new FailedException(Failure.TooManyUpgrades);
        }
        finally
        {
            await end.Connection.CloseAsync().ConfigureAwait(false);
        }
    }

    private void Report(Exchange exchange, Tunnel tunnel)
    {
        var isOrderly = tunnel.End is TunnelEnd.ClientClosed or TunnelEnd.BackendClosed;
        if (!isOrderly) metrics.Failed(tunnel.End);
        var seconds = options.TimeProvider.GetElapsedTime(tunnel.Opened).TotalSeconds;
        Log.TunnelEnded(logger, isOrderly ? LogLevel.Debug : LogLevel.Information, exchange.Path, tunnel.End, seconds, tunnel.BytesToBackend, tunnel.BytesToClient);
    }
}
