using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Sluice.Handshake;
using Sluice.Protocol;

namespace Sluice.AspNetCore;

/// <summary>
/// Turns an HTTP request into a WebSocket connection: for handlers and middleware of one's own.
/// <see cref="WebSocketEndpoints"/> is made of it. Thread-safe.
/// </summary>
public sealed class Upgrader
{
    private static readonly Meter Meter = new(ConnectionMetrics.MeterName);

    private static readonly Counter<long> Refusals =
        Meter.CreateCounter<long>("sluice.handshakes.refused", "{handshake}", "Opening handshakes refused, by reason.");

    private readonly WebSocketEndpointOptions _options;
    private readonly HandshakePolicy _policy;
    private readonly ILogger _logger;

    /// <summary>An upgrader for one kind of endpoint.</summary>
    /// <param name="options">What to agree to; <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of refusals.</param>
    /// <exception cref="ArgumentException">A subprotocol is not a token, or stands there twice.</exception>
    public Upgrader(WebSocketEndpointOptions? options, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        _options = options ?? WebSocketEndpointOptions.Default;
        _policy = new HandshakePolicy { Subprotocols = _options.Subprotocols, Origins = _options.Origins };
        _logger = logger;
    }

    /// <summary>Checks the opening handshake and answers it (RFC 6455 §4.2).</summary>
    /// <param name="context">The request. Keep its handler running until the connection is released: the server closes the
    /// transport when the handler returns.</param>
    /// <returns>The connection, to be disposed by the caller; <see langword="null"/> when the handshake was refused and
    /// the response is written.</returns>
    public async Task<WebSocketConnection?> UpgradeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var outcome = ServerHandshake.Evaluate(ReadRequest(context.Request), _policy);
        if (!outcome.IsAccepted)
        {
            await RefuseAsync(context, outcome.Refusal).ConfigureAwait(false);
            return null;
        }
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        if (upgrade is not { IsUpgradableRequest: true })
        {
            await RefuseAsync(context, StatusCodes.Status501NotImplemented, "NotUpgradable", "this server can't upgrade the request").ConfigureAwait(false);
            return null;
        }

        var headers = context.Response.Headers;
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = outcome.Accept;
        if (outcome.Subprotocol is { } subprotocol) headers.SecWebSocketProtocol = subprotocol;
        Stream stream;
        try
        {
            stream = await upgrade.UpgradeAsync().ConfigureAwait(false);
        }
        catch (InvalidOperationException) when (!context.Response.HasStarted)
        {
            // Kestrel's MaxConcurrentUpgradedConnections.
            headers.Remove(HeaderNames.SecWebSocketAccept);
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "TooMany", "too many open connections; try again later").ConfigureAwait(false);
            return null;
        }
        return new WebSocketConnection(
            FindTransport(context, stream), Role.Server, _options.Connection, outcome.Subprotocol, context.Abort);
    }

    // The transport's own pipes carry the bytes after the 101, those that came right behind the request among them.
    // Only over HTTP/1.1: over HTTP/2 the same feature is the connection that all streams share.
    private static UpgradedTransport FindTransport(HttpContext context, Stream stream)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol)
            && context.Features.Get<IConnectionTransportFeature>() is { } connection)
        {
            return new UpgradedTransport(connection.Transport);
        }
        return new UpgradedTransport(stream);
    }

    private static HandshakeRequest ReadRequest(HttpRequest request)
    {
        var headers = request.Headers;
        return new HandshakeRequest
        {
            Method = request.Method,
            HttpVersion = request.Protocol,
            Scheme = request.Scheme,
            Host = Join(headers.Host),
            Upgrade = Join(headers.Upgrade),
            Connection = Join(headers.Connection),
            Key = Join(headers.SecWebSocketKey),
            Version = Join(headers.SecWebSocketVersion),
            Subprotocols = Join(headers.SecWebSocketProtocol),
            Extensions = Join(headers.SecWebSocketExtensions),
            Origin = Join(headers.Origin),
        };
    }

    private static string? Join(StringValues values) => values.Count == 0 ? null : values.ToString();

    private async Task RefuseAsync(HttpContext context, HandshakeRefusal refusal)
    {
        Count(refusal.Reason.ToString());
        Log.Refused(_logger, context.Connection.RemoteIpAddress, refusal.Status, refusal.Message);
        context.Response.StatusCode = refusal.Status;
        foreach (var (name, value) in refusal.Headers) context.Response.Headers.Append(name, value);
        if (_options.OnRefused is { } respond)
        {
            await respond(context, refusal).ConfigureAwait(false);
            return;
        }
        await WriteAsync(context, refusal.Message).ConfigureAwait(false);
    }

    private Task RefuseAsync(HttpContext context, int status, string reason, string message)
    {
        Count(reason);
        Log.Refused(_logger, context.Connection.RemoteIpAddress, status, message);
        context.Response.StatusCode = status;
        return WriteAsync(context, message);
    }

    private static void Count(string reason) => Refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));

    private static Task WriteAsync(HttpContext context, string message)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(message + "\n", context.RequestAborted);
    }
}
