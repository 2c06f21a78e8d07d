using Microsoft.AspNetCore.Http;
using Sluice.Compression;
using Sluice.Handshake;

namespace Sluice.AspNetCore;

/// <summary>What a WebSocket endpoint agrees to, and the limits of its connections. Immutable; one instance may serve many endpoints.</summary>
public sealed record WebSocketEndpointOptions
{
    /// <summary>The options that hold when none are given: pages of the same origin, no subprotocol, the limits of
    /// <see cref="ConnectionOptions.Default"/>.</summary>
    public static WebSocketEndpointOptions Default { get; } = new();

    /// <summary>Whose pages may connect. Default: <see cref="OriginPolicy.SameOrigin"/>. A request without <c>Origin</c> comes
    /// from no browser, and is let in.</summary>
    public OriginPolicy Origins { get; init; } = OriginPolicy.SameOrigin;

    /// <summary>The subprotocols that the endpoint speaks, best first. Default: none.</summary>
    public IReadOnlyList<string> Subprotocols { get; init; } = [];

    /// <summary>Limits and times of each connection.</summary>
    public ConnectionOptions Connection { get; init; } = ConnectionOptions.Default;

    /// <summary>How to compress with permessage-deflate (RFC 7692) when a client offers it. Default: <see langword="null"/>,
    /// every offer is declined.</summary>
    public CompressionOptions? Compression { get; init; }

    /// <summary>How many connections may be open, counted over all endpoints of the host.</summary>
    public ConnectionLimits Limits { get; init; } = ConnectionLimits.Default;

    /// <summary>Writes the response when the handshake is refused: the status and the headers that belong to it are set,
    /// and may be changed; the line of text is left to it. Over HTTP/1.1 the connection is closed behind it.</summary>
    public Func<HttpContext, HandshakeRefusal, Task>? OnRefused { get; init; }

    /// <summary>Called once for each connection when it has ended, and its handler too. Must not block; an exception is logged.</summary>
    public Action<HttpContext, CloseResult>? OnClosed { get; init; }
}
