using Sluice.Compression;
using Sluice.Handshake;

namespace Sluice;

/// <summary>How a client connects. Immutable, so that one instance may serve many connections.</summary>
/// <remarks>Every limit is finite by default. Values that can't work are refused by the setters.</remarks>
public sealed partial record WebSocketClientOptions
{
    /// <summary>The options that hold when none are given.</summary>
    public static WebSocketClientOptions Default { get; } = new();

    /// <summary>The subprotocols that the client speaks, best first. Default: none. Copied.</summary>
    /// <exception cref="ArgumentException">One is not a token, or stands there twice.</exception>
    public IReadOnlyList<string> Subprotocols { get; init => field = Handshake.Subprotocols.Copy(value, nameof(Subprotocols)); } = [];

    /// <summary>Headers to add to the request, as <c>Authorization</c> or <c>Cookie</c>; a name may come more than once.
    /// Default: none. Copied.</summary>
    /// <exception cref="ArgumentException">A header is malformed, or one that the handshake itself sets.</exception>
    public IReadOnlyCollection<KeyValuePair<string, string>> Headers
    {
        get;
        init => field = RequestFields.Copy(value, nameof(Headers));
    } = [];

    /// <summary>The value of <c>Origin</c>, which browsers send and servers may check. Default: <see langword="null"/>, no such header.</summary>
    /// <exception cref="ArgumentException">The value is not printable ASCII.</exception>
    public string? Origin
    {
        get;
        init
        {
            if (value is not null) RequestFields.CheckValue("Origin", value, nameof(Origin));
            field = value;
        }
    }

    /// <summary>How long it may take to resolve the name, connect, do TLS and get the server's answer, all together.
    /// Default 15 s; at most 24 days, or <see cref="Timeout.InfiniteTimeSpan"/>.</summary>
    public TimeSpan HandshakeTimeout { get; init => field = Finite(value, nameof(value)); } = TimeSpan.FromSeconds(15);

    /// <summary>The limits and times of the connection, once it is open, and the clock.</summary>
    public ConnectionOptions Connection
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = ConnectionOptions.Default;

    /// <summary>What to offer of permessage-deflate (RFC 7692). Default: <see langword="null"/>, no compression. Whether the
    /// server agreed, <see cref="WebSocketConnection.Compression"/> tells.</summary>
    public CompressionOptions? Compression { get; init; }

    /// <summary>
    /// What dials, for what <see cref="Tls"/> and <see cref="Proxy"/> do not cover (cookies, client credentials), and to share
    /// one HTTP/2 connection: begin with <see cref="WebSocketClient.CreateHandler"/>. Default: <see langword="null"/>, one of the
    /// library's. It stays the caller's to dispose. It must not follow redirects by itself, and over HTTP/2 it must keep its
    /// connections (<see cref="SocketsHttpHandler.PooledConnectionLifetime"/> above zero).
    /// </summary>
    public SocketsHttpHandler? Handler { get; init; }

    /// <summary>How many bytes of a refusal's body are kept. Default 64 KiB.</summary>
    public int MaxRefusalBody
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 64 * 1024;
}
