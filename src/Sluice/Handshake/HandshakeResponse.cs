namespace Sluice.Handshake;

/// <summary>
/// What the opening handshake needs of a server's response (RFC 6455 §4.2.2): header values as they came, unchecked.
/// Join several lines of one header with <c>", "</c>; null means that the header is absent.
/// </summary>
public readonly record struct HandshakeResponse
{
    /// <summary>The HTTP status, 101 when the server accepts.</summary>
    public required int Status { get; init; }

    /// <summary>The value of <c>Upgrade</c>.</summary>
    public string? Upgrade { get; init; }

    /// <summary>The value of <c>Connection</c>.</summary>
    public string? Connection { get; init; }

    /// <summary>The value of <c>Sec-WebSocket-Accept</c>.</summary>
    public string? Accept { get; init; }

    /// <summary>The value of <c>Sec-WebSocket-Protocol</c>.</summary>
    public string? Subprotocol { get; init; }

    /// <summary>The value of <c>Sec-WebSocket-Extensions</c>.</summary>
    public string? Extensions { get; init; }
}
