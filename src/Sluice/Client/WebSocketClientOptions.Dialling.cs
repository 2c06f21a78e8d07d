using System.Net;
using System.Net.Security;

namespace Sluice;

/// <content>How the server is reached: HTTP version, proxy, TLS, addresses, times.</content>
public sealed partial record WebSocketClientOptions
{
    internal const int DefaultMaxResponseHeaderSize = 32 * 1024;

    /// <summary>
    /// The HTTP version to open the WebSocket with: 1.1 by upgrade (RFC 6455) or 2.0 by extended CONNECT (RFC 8441).
    /// Default 1.1. With 2.0 and the default <see cref="HttpVersionPolicy"/>, a server that does not offer it gets 1.1; see
    /// <see cref="WebSocketConnection.HttpVersion"/> for what it came to.
    /// </summary>
    /// <exception cref="ArgumentException">Another version. .NET's HTTP client has no extended CONNECT over HTTP/3.</exception>
    public Version HttpVersion
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            if (value != System.Net.HttpVersion.Version11 && value != System.Net.HttpVersion.Version20)
            {
                const string Words = "a WebSocket is opened over HTTP 1.1 or 2.0; over 3.0 .NET's HTTP client offers none (RFC 9220)";
                throw new ArgumentException(Words, nameof(value));
            }
            field = value;
        }
    } = System.Net.HttpVersion.Version11;

    /// <summary>
    /// What else than <see cref="HttpVersion"/> will do. Default <see cref="HttpVersionPolicy.RequestVersionOrLower"/>: over TLS
    /// the server chooses (ALPN), in clear text, where it can't, 1.1 is taken.
    /// <see cref="HttpVersionPolicy.RequestVersionExact"/>: that version alone, in clear text by prior knowledge.
    /// <see cref="HttpVersionPolicy.RequestVersionOrHigher"/>: over TLS up to 2.0.
    /// </summary>
    public HttpVersionPolicy HttpVersionPolicy { get; init; } = HttpVersionPolicy.RequestVersionOrLower;

    /// <summary>What to show the server in an <c>Authorization</c> header. Default: nothing. A redirect to another origin does
    /// not get it. Credentials in the URL are refused: URLs end up in logs.</summary>
    public Authorization? Authorization { get; init; }

    /// <summary>How many redirects are followed. Default 0: a redirect is a refusal. At most 50. None leads from <c>wss</c> to
    /// <c>ws</c>, and one to another origin gets neither <see cref="Authorization"/> nor <c>Cookie</c>.</summary>
    public int MaxRedirects
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 50);
            field = value;
        }
    }

    /// <summary>The proxy, asked by CONNECT (<c>http</c>, <c>https</c>) or spoken to by <c>socks4</c>, <c>socks4a</c> or
    /// <c>socks5</c>, with its credentials. Default: <see langword="null"/>, what the environment names (<c>HTTP_PROXY</c>,
    /// <c>HTTPS_PROXY</c>, <c>ALL_PROXY</c>, <c>NO_PROXY</c>). For none at all give <c>new WebProxy()</c>.</summary>
    public IWebProxy? Proxy { get; init; }

    /// <summary>TLS: which certificates to trust and show. Default: the system's trust.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>How long it may take to resolve the name of the server, or of the proxy, and to connect to it. Default 10 s, within
    /// <see cref="HandshakeTimeout"/>. A handler with a <see cref="SocketsHttpHandler.ConnectCallback"/> of its own has its own time.</summary>
    public TimeSpan ConnectTimeout { get; init => field = Finite(value, nameof(value)); } = TimeSpan.FromSeconds(10);

    /// <summary>Of several addresses, how long after one the next is tried (RFC 8305's Connection Attempt Delay). Default 250 ms,
    /// at least 10 ms. The first that answers is taken.</summary>
    public TimeSpan AddressDelay
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.FromMilliseconds(10));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromMinutes(1));
            field = value;
        }
    } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Whether at most one opening handshake with a remote host is under way at a time, as RFC 6455 §4.1 demands of clients: an
    /// attempt waits until those that came before it are established or have failed. Default <see langword="false"/>. The rule
    /// keeps the pages of a browser from flooding a host; where the caller decides how many connections there are, as in a
    /// proxy or a load generator, one slow handshake would hold up all others.
    /// </summary>
    /// <remarks>
    /// <para>It holds for all attempts of the process with this option, in the order in which they come; attempts without it
    /// neither wait nor are waited for. A remote host is an address and a port, whatever its names and schemes; one with several
    /// addresses is waited for at all of them. Through a <see cref="Proxy"/>, or a <see cref="Handler"/> that dials by itself,
    /// the address is not known, and each name is a host.</para>
    /// <para>Waiting counts for <see cref="HandshakeTimeout"/>, not for <see cref="ConnectTimeout"/>, which then bounds the
    /// name's resolution, before the wait, and the connection, after it, each. A redirect, and a second request in another HTTP
    /// version, waits anew, for the host that it goes to.</para>
    /// </remarks>
    public bool OneHandshakePerHost { get; init; }

    /// <summary>Turns a host's name into addresses, best first. Default: the system's resolver.</summary>
    public Func<string, CancellationToken, Task<IReadOnlyList<IPAddress>>>? Resolver { get; init; }

    /// <summary>The most bytes that the header of the server's answer may have, rounded up to KiB. Default 32 KiB.</summary>
    public int MaxResponseHeaderSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = DefaultMaxResponseHeaderSize;

    /// <summary>The most fields that the header of the server's answer may have. Default 100.</summary>
    public int MaxResponseFields
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 100;

    private static TimeSpan Finite(TimeSpan value, string name)
    {
        if (value == Timeout.InfiniteTimeSpan) return value;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(24), name);
        return value;
    }
}
