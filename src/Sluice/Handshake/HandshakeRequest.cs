namespace Sluice.Handshake;

/// <summary>
/// What the opening handshake needs of a client's request (RFC 6455 §4.2.1): header values as they came, unchecked.
/// Join several lines of one header with <c>", "</c>. Null means that the header is absent, an empty string that it
/// is there and empty, which is an error for most.
/// </summary>
public readonly record struct HandshakeRequest
{
    /// <summary>The request method, as <c>GET</c>.</summary>
    public required string Method { get; init; }

    /// <summary>
    /// The protocol as it stands in the request line, as <c>HTTP/1.1</c>. Null, the default, when the caller has made
    /// sure that it is at least HTTP/1.1.
    /// </summary>
    public string? HttpVersion { get; init; }

    /// <summary>
    /// <c>http</c> or <c>https</c>: how the request reached us, for the origin check. Anything else, null too, counts
    /// as <c>http</c>.
    /// </summary>
    public string? Scheme { get; init; }

    /// <summary>The value of <c>Host</c>, or of <c>:authority</c>.</summary>
    public string? Host { get; init; }

    /// <summary>The pseudo-header <c>:protocol</c> of an extended CONNECT; HTTP/1.1 has none.</summary>
    public string? Protocol { get; init; }

    /// <summary>The value of <c>Upgrade</c>.</summary>
    public string? Upgrade { get; init; }

    /// <summary>The value of <c>Connection</c>.</summary>
    public string? Connection { get; init; }

    /// <summary>The value of <c>Sec-WebSocket-Key</c>.</summary>
    public string? Key { get; init; }

    /// <summary>The value of <c>Sec-WebSocket-Version</c>.</summary>
    public string? Version { get; init; }

    /// <summary>The value of <c>Sec-WebSocket-Protocol</c>.</summary>
    public string? Subprotocols { get; init; }

    /// <summary>The value of <c>Sec-WebSocket-Extensions</c>.</summary>
    public string? Extensions { get; init; }

    /// <summary>The value of <c>Origin</c>; browsers always send one.</summary>
    public string? Origin { get; init; }
}
