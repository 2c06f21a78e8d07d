using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using Sluice.Compression;
using Sluice.Handshake;
using Sluice.Protocol;

namespace Sluice.AspNetCore;

/// <summary>
/// Turns an HTTP request into a WebSocket connection: for handlers and middleware of one's own.
/// <see cref="WebSocketEndpoints"/> is made of it. Thread-safe.
/// </summary>
/// <remarks>
/// Needs a server that switches protocols, as Kestrel does. <c>Microsoft.AspNetCore.TestHost</c> does not: there every
/// handshake is refused with 501, so test against Kestrel on port 0.
/// </remarks>
public sealed class Upgrader
{
    private readonly WebSocketEndpointOptions _options;
    private readonly HandshakePolicy _policy;
    private readonly Refusals _refusals;
    private readonly ConnectionCount _count;
    private readonly ILogger _logger;

    /// <summary>An upgrader for one kind of endpoint. What is open by it counts by itself, not with the host's endpoints.</summary>
    /// <param name="options">What to agree to; <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of refusals.</param>
    /// <exception cref="ArgumentException">A subprotocol is not a token, or stands there twice.</exception>
    public Upgrader(WebSocketEndpointOptions? options, ILogger logger)
        : this(options, logger, new ConnectionCount())
    {
    }

    internal Upgrader(WebSocketEndpointOptions? options, ILogger logger, ConnectionCount count)
    {
        ArgumentNullException.ThrowIfNull(logger);
        _count = count;
        _logger = logger;
        _options = options ?? WebSocketEndpointOptions.Default;
        _policy = new HandshakePolicy { Subprotocols = _options.Subprotocols, Origins = _options.Origins };
        _refusals = new Refusals(_options.OnRefused, _options.Connection.Metrics, logger);
    }

    internal bool RunsInline => _options.Connection.RunInline;

    /// <summary>Checks the opening handshake and answers it: over HTTP/1.1 an upgrade (RFC 6455 §4.2), over HTTP/2 and 3 an
    /// extended CONNECT (RFC 8441 §5).</summary>
    /// <param name="context">The request. Keep its handler running until the connection is released: the server closes the
    /// transport when the handler returns.</param>
    /// <returns>The connection, to be disposed by the caller; <see langword="null"/> when the handshake was refused and
    /// the response is written.</returns>
    public async Task<WebSocketConnection?> UpgradeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return (await EnterAsync(context).ConfigureAwait(false)).Connection;
    }

    /// <summary>As <see cref="UpgradeAsync"/>; the task is done when the connection counts no more.</summary>
    internal async Task<(WebSocketConnection? Connection, Task Left)> EnterAsync(HttpContext context)
    {
        var multiplexed = RequestFields.IsMultiplexed(context);
        // Over HTTP/1.1 the connection is the request's alone, and its client may have ended its side already.
        var hold = multiplexed ? null : context.Features.Get<IHalfCloseFeature>()?.KeepOpen();
        WebSocketConnection? connection = null;
        try
        {
            if (await EnterAsync(context, multiplexed).ConfigureAwait(false) is not { } outcome) return (null, Task.CompletedTask);
            connection = await OpenAsync(context, outcome, multiplexed).ConfigureAwait(false);
            return (connection, connection is null ? Task.CompletedTask : LeaveAsync(connection, context.Connection.RemoteIpAddress, hold));
        }
        finally
        {
            if (connection is null) hold?.Dispose();
        }
    }

    /// <returns>What was agreed; <see langword="null"/> when the handshake was refused. It counts until it leaves.</returns>
    private async Task<HandshakeOutcome?> EnterAsync(HttpContext context, bool multiplexed)
    {
        var outcome = Evaluate(context);
        if ((outcome.Refusal ?? FindObstacle(context, multiplexed)) is { } refusal)
        {
            await _refusals.AnswerAsync(context, refusal).ConfigureAwait(false);
            return null;
        }
        if (_count.TryEnter(context.Connection.RemoteIpAddress, _options.Limits) is var answer and not ConnectionCount.Answer.Entered)
        {
            var full = answer == ConnectionCount.Answer.TooMany ? Refusals.NoRoom : Refusals.TooManyFromAddress;
            await _refusals.AnswerAsync(context, full).ConfigureAwait(false);
            return null;
        }
        return outcome;
    }

    // The connection's end frees its place, whether or not the handler has returned.
    private async Task LeaveAsync(WebSocketConnection connection, IPAddress? address, IDisposable? hold)
    {
        await connection.Released.ConfigureAwait(false);
        _count.Leave(address);
        hold?.Dispose();
    }

    private async Task<WebSocketConnection?> OpenAsync(HttpContext context, HandshakeOutcome outcome, bool multiplexed)
    {
        WebSocketConnection? connection = null;
        try
        {
            // A policy's time-out bounds requests; a connection has times of its own.
            context.Features.Get<IHttpRequestTimeoutFeature>()?.DisableTimeout();
            if (outcome.Subprotocol is { } subprotocol) context.Response.Headers.SecWebSocketProtocol = subprotocol;
            var accepted = Agree(outcome);
            if (accepted.Extension is { } extension) context.Response.Headers.SecWebSocketExtensions = extension.ToString();
            return connection = multiplexed
                ? await AcceptAsync(context, accepted).ConfigureAwait(false)
                : await SwitchAsync(context, accepted).ConfigureAwait(false);
        }
        finally
        {
            if (connection is null) _count.Leave(context.Connection.RemoteIpAddress);
        }
    }

    /// <summary>Checks a handshake that came over HTTP/1.1, but not through HTTP.</summary>
    /// <returns>What to answer; <see langword="null"/> when it would be refused. It counts until it leaves.</returns>
    internal AcceptedHandshake? Accept(in HandshakeRequest request, IPAddress? address)
        => ServerHandshake.Evaluate(request, _policy) is { IsAccepted: true } outcome
            && _count.TryEnter(address, _options.Limits) == ConnectionCount.Answer.Entered ? Agree(outcome) : null;

    internal void Leave(IPAddress? address) => _count.Leave(address);

    internal WebSocketConnection Connect(ConnectionContext transport, AcceptedHandshake accepted)
        => Connect(transport.Transport, accepted, transport.Abort, HttpVersion.Version11);

    /// <summary>Why the request would be refused; <see langword="null"/> when it would not.</summary>
    internal HandshakeRefusal? Check(HttpContext context)
        => Evaluate(context).Refusal ?? FindObstacle(context, RequestFields.IsMultiplexed(context));

    /// <summary>The same, counting with this one, but agreeing to this subprotocol.</summary>
    internal Upgrader WithSubprotocol(string subprotocol) => new(_options with { Subprotocols = [subprotocol] }, _logger, _count);

    internal Task RefuseAsync(HttpContext context, HandshakeRefusal refusal) => _refusals.AnswerAsync(context, refusal);

    private HandshakeOutcome Evaluate(HttpContext context)
    {
        var request = RequestFields.Read(context);
        return RequestFields.IsMultiplexed(context) ? ConnectHandshake.Evaluate(request, _policy) : ServerHandshake.Evaluate(request, _policy);
    }

    private static HandshakeRefusal? FindObstacle(HttpContext context, bool multiplexed)
    {
        var features = context.Features;
        if (multiplexed) return features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } ? null : Refusals.Unsupported;
        if (features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }) return null;
        return features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true } ? Refusals.Body : Refusals.Unsupported;
    }

    private async Task<WebSocketConnection?> SwitchAsync(HttpContext context, AcceptedHandshake accepted)
    {
        var headers = context.Response.Headers;
        headers.Upgrade = "websocket";
        headers.SecWebSocketAccept = accepted.Outcome.Accept;
        Stream stream;
        try
        {
            stream = await context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync().ConfigureAwait(false);
        }
        catch (InvalidOperationException) when (!context.Response.HasStarted)
        {
            // Kestrel's MaxConcurrentUpgradedConnections. What was prepared for the 101 must not stand in the refusal.
            headers.Remove(HeaderNames.Upgrade);
            headers.Remove(HeaderNames.SecWebSocketAccept);
            headers.Remove(HeaderNames.SecWebSocketProtocol);
            headers.Remove(HeaderNames.SecWebSocketExtensions);
            await _refusals.AnswerAsync(context, Refusals.NoRoom).ConfigureAwait(false);
            return null;
        }
        return Connect(UpgradedTransport.Of(context, stream), accepted, new TransportAbort(context).Invoke, HttpVersion.Version11);
    }

    private async Task<WebSocketConnection?> AcceptAsync(HttpContext context, AcceptedHandshake accepted)
    {
        var stream = await context.Features.Get<IHttpExtendedConnectFeature>()!.AcceptAsync().ConfigureAwait(false);
        var abort = new TransportAbort(context);
        var end = new StreamEnd(context.Response, abort);
        var version = HttpProtocol.IsHttp2(context.Request.Protocol) ? HttpVersion.Version20 : HttpVersion.Version30;
        return end.Connection = Connect(UpgradedTransport.Of(stream, end.Run), accepted, abort.Invoke, version);
    }

    private WebSocketConnection Connect(IDuplexPipe transport, AcceptedHandshake accepted, Action abort, Version version)
    {
        _options.Connection.Metrics.Accepted(version.Major == 1 ? "1.1" : version.Major == 2 ? "2" : "3");
        return new WebSocketConnection(transport, Role.Server, _options.Connection, accepted.Outcome.Subprotocol, abort, accepted.Compression)
        {
            HttpVersion = version,
        };
    }

    private AcceptedHandshake Agree(HandshakeOutcome outcome)
    {
        var compression = DeflateAgreement.Negotiate(outcome.Extensions, _options.Compression, out var extension);
        return new AcceptedHandshake(outcome, compression, extension);
    }
}
