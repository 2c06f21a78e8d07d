namespace Sluice.Handshake;

/// <summary>Why a server refused a request; its name serves as a tag of a metric.</summary>
public enum RefusalReason
{
    /// <summary>The method is not GET: 405.</summary>
    Method,

    /// <summary>The request is older than HTTP/1.1: 400.</summary>
    HttpVersion,

    /// <summary><c>Upgrade</c> does not ask for websocket: 426; or <c>:protocol</c> does not: 400.</summary>
    Upgrade,

    /// <summary><c>Connection</c> lacks the token upgrade: 400.</summary>
    Connection,

    /// <summary><c>Sec-WebSocket-Version</c> is missing or not 13: 426; 400 over HTTP/2 and 3.</summary>
    Version,

    /// <summary><c>Sec-WebSocket-Key</c> is missing or not 16 bytes in base64: 400.</summary>
    Key,

    /// <summary><c>Host</c> is missing or malformed: 400.</summary>
    Host,

    /// <summary><c>Sec-WebSocket-Protocol</c> is malformed: 400.</summary>
    Subprotocols,

    /// <summary><c>Sec-WebSocket-Extensions</c> is malformed: 400.</summary>
    Extensions,

    /// <summary>The policy does not allow the <c>Origin</c>: 403.</summary>
    Origin,

    /// <summary>The request has a body, behind which no WebSocket can begin: 400.</summary>
    Body,

    /// <summary>The server has no room for one more connection: 503.</summary>
    Capacity,

    /// <summary>The address has as many connections open as it may: 429.</summary>
    Address,

    /// <summary>The server can't switch protocols: 501.</summary>
    Unsupported,
}

/// <summary>The answer to a request that does not become a WebSocket (RFC 6455 §4.2.2). Immutable.</summary>
public sealed class HandshakeRefusal
{
    /// <summary>A refusal, also for reasons of the server's own.</summary>
    /// <param name="status">The HTTP status, 300 to 599.</param>
    /// <param name="reason">The kind, for metrics.</param>
    /// <param name="message">For people: one line.</param>
    /// <param name="headers">Headers of the response.</param>
    /// <exception cref="ArgumentOutOfRangeException">The status does not refuse.</exception>
    public HandshakeRefusal(
        int status,
        RefusalReason reason,
        string message,
        params IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 300);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 599);
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(headers);
        Status = status;
        Reason = reason;
        Message = message;
        Headers = headers;
    }

    /// <summary>The HTTP status of the response.</summary>
    public int Status { get; }

    /// <summary>Which rule the request broke.</summary>
    public RefusalReason Reason { get; }

    /// <summary>
    /// What was wrong and what to do, on one line, for the response's body (as text, in UTF-8) and for logs. What it
    /// quotes of the request is cut to 100 characters, and what is not printable ASCII is escaped.
    /// </summary>
    public string Message { get; }

    /// <summary>Headers that belong into the response; often none.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }
}
