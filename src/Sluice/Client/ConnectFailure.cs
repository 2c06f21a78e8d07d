namespace Sluice;

/// <summary>Why a client could not open a WebSocket; its name serves as a tag of a metric.</summary>
public enum ConnectFailure
{
    /// <summary>The server's name has no address.</summary>
    NameNotResolved,

    /// <summary>The server's machine is there, but nothing listens on the port.</summary>
    ConnectionRefused,

    /// <summary>The server's machine can't be reached, or the connection to it broke before an answer came.</summary>
    Unreachable,

    /// <summary>The TLS handshake failed, as with a certificate that is not trusted.</summary>
    Tls,

    /// <summary>The proxy can't be reached, or does not let the connection through.</summary>
    Proxy,

    /// <summary>The opening handshake took longer than it may.</summary>
    Timeout,

    /// <summary>The server closed the connection before its answer was complete.</summary>
    ConnectionLost,

    /// <summary>What came is not HTTP, or its header is larger than allowed.</summary>
    InvalidResponse,

    /// <summary>The server answered with a status that opens no WebSocket: the exception has its headers and body.</summary>
    Refused,

    /// <summary>The server opened a WebSocket, but not as RFC 6455 §4.1 or RFC 8441 §5 demand.</summary>
    InvalidUpgrade,

    /// <summary>The server does not offer a WebSocket over the HTTP version that was asked for, and no other is allowed.</summary>
    HttpVersion,
}
