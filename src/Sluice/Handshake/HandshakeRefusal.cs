namespace Sluice.Handshake;

/// <summary>Why a server refused a request; its name serves as a tag of a metric.</summary>
public enum RefusalReason
{
    /// <summary>The method is not GET: 405.</summary>
    Method,

    /// <summary>The request is older than HTTP/1.1: 400.</summary>
    HttpVersion,

    /// <summary><c>Upgrade</c> does not ask for websocket: 426.</summary>
    Upgrade,

    /// <summary><c>Connection</c> lacks the token upgrade: 400.</summary>
    Connection,

    /// <summary><c>Sec-WebSocket-Version</c> is missing or not 13: 426.</summary>
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
}

/// <summary>The answer to a request that does not become a WebSocket (RFC 6455 §4.2.2). Immutable.</summary>
public sealed class HandshakeRefusal
{
    internal HandshakeRefusal(
        int status,
        RefusalReason reason,
        string message,
        params IReadOnlyList<KeyValuePair<string, string>> headers)
    {
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
