namespace Sluice.Handshake;

/// <summary>Why a client takes a response for no WebSocket (RFC 6455 §4.1); its name serves as a tag of a metric.</summary>
public enum FailureReason
{
    /// <summary>The status is not 101.</summary>
    Status,

    /// <summary><c>Upgrade</c> is missing or not websocket.</summary>
    Upgrade,

    /// <summary><c>Connection</c> lacks the token upgrade.</summary>
    Connection,

    /// <summary><c>Sec-WebSocket-Accept</c> is missing or doesn't answer the key.</summary>
    Accept,

    /// <summary><c>Sec-WebSocket-Extensions</c> is malformed or names an extension that was not offered.</summary>
    Extensions,

    /// <summary><c>Sec-WebSocket-Protocol</c> is not exactly one subprotocol that was offered.</summary>
    Subprotocol,
}

/// <summary>What is wrong with a server's response. Immutable.</summary>
public sealed class HandshakeFailure
{
    internal HandshakeFailure(int status, FailureReason reason, string message)
    {
        Status = status;
        Reason = reason;
        Message = message;
    }

    /// <summary>The HTTP status of the response, whatever is wrong with it.</summary>
    public int Status { get; }

    /// <summary>Which rule the response broke.</summary>
    public FailureReason Reason { get; }

    /// <summary>
    /// What was wrong, on one line. What it quotes of the response is cut to 100 characters, and what is not printable
    /// ASCII is escaped.
    /// </summary>
    public string Message { get; }
}
