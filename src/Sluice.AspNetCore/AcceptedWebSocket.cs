using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sluice.AspNetCore;

/// <summary>What stands behind <see cref="HttpContext.WebSockets"/> of one request that asks for a WebSocket.</summary>
internal sealed class AcceptedWebSocket(HttpContext context, Upgrader upgrader, WebSocketEndpoint endpoint) : IHttpWebSocketFeature
{
    private WebSocketConnection? _connection;

    public bool IsWebSocketRequest => true;

    // Kestrel is told nothing of keep-alive and compression: they are the options' business.
    public async Task<WebSocket> AcceptAsync(WebSocketAcceptContext acceptContext)
    {
        ArgumentNullException.ThrowIfNull(acceptContext);
        if (_connection is not null) throw new InvalidOperationException("the request's WebSocket was accepted already");
        var accepting = acceptContext.SubProtocol is { } subprotocol ? upgrader.WithSubprotocol(subprotocol) : upgrader;
        _connection = await endpoint.OpenAsync(context, accepting).ConfigureAwait(false)
            ?? throw new WebSocketException(WebSocketError.Faulted, "the handshake was refused, and the response is written");
        return _connection.AsWebSocket();
    }

    /// <summary>The request's handler has returned: closes what it left open, and waits until the transport is released.</summary>
    public Task EndAsync() => _connection is null ? Task.CompletedTask : endpoint.EndAsync(context, _connection);
}
