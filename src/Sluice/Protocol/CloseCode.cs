namespace Sluice;

/// <summary>
/// Why a connection was closed (RFC 6455 §7.4, IANA's WebSocket Close Code Number Registry).
/// Any value from 3000 to 4999 may be cast to this type: 3000–3999 are registered by libraries and
/// frameworks, 4000–4999 are free for private use.
/// </summary>
public enum CloseCode : ushort
{
    /// <summary>1000: the purpose of the connection is fulfilled.</summary>
    NormalClosure = 1000,

    /// <summary>1001: an endpoint goes away: a server shuts down, a browser leaves the page.</summary>
    GoingAway = 1001,

    /// <summary>1002: the peer broke the protocol.</summary>
    ProtocolError = 1002,

    /// <summary>1003: a type of data that the endpoint can't accept.</summary>
    UnsupportedData = 1003,

    /// <summary>1005: the close frame carried no code. Never sent.</summary>
    NoStatusReceived = 1005,

    /// <summary>1006: the connection ended without a close frame. Never sent.</summary>
    AbnormalClosure = 1006,

    /// <summary>1007: data that do not fit their type, as a text that is not UTF-8.</summary>
    InvalidPayloadData = 1007,

    /// <summary>1008: a message against the endpoint's policy; for when nothing more exact fits.</summary>
    PolicyViolation = 1008,

    /// <summary>1009: a message too big to process.</summary>
    MessageTooBig = 1009,

    /// <summary>1010: the client misses an extension that the server did not agree to. Sent by clients only.</summary>
    MandatoryExtension = 1010,

    /// <summary>1011: the server met an unexpected condition.</summary>
    InternalError = 1011,

    /// <summary>1012: the server restarts; reconnect after a random wait.</summary>
    ServiceRestart = 1012,

    /// <summary>1013: the server is overloaded; try again later.</summary>
    TryAgainLater = 1013,

    /// <summary>1014: a gateway got an invalid answer from the server behind it.</summary>
    BadGateway = 1014,

    /// <summary>1015: the TLS handshake failed. Never sent.</summary>
    TlsHandshake = 1015,
}

/// <summary>Which close codes may stand in a close frame.</summary>
public static class CloseCodeExtensions
{
    /// <summary>
    /// Whether the code may be on the wire (RFC 6455 §7.4.1, §7.4.2): 1000–1003, 1007–1014 and 3000–4999.
    /// 1004, 1005, 1006 and 1015 are reserved, everything else is undefined; a peer that sends one of them
    /// broke the protocol.
    /// </summary>
    public static bool MayBeSent(this CloseCode code) => (ushort)code switch
    {
        >= 1000 and <= 1003 => true,
        >= 1007 and <= 1014 => true,
        >= 3000 and <= 4999 => true,
        _ => false,
    };
}
