using System.Runtime.CompilerServices;

namespace Sluice.AspNetCore;

/// <summary>How many WebSockets may be open at once, over all endpoints of a host. Immutable.</summary>
/// <remarks>Connections whose handshake is not done yet are not counted: bound those with Kestrel's
/// <c>Limits.MaxConcurrentConnections</c> and <c>Limits.RequestHeadersTimeout</c>.</remarks>
public sealed record ConnectionLimits
{
    /// <summary>The limits that hold when none are given.</summary>
    public static ConnectionLimits Default { get; } = new();

    /// <summary>The most in all. Default 100,000. One more is refused with 503.</summary>
    public int MaxConnections { get; init => field = Positive(value); } = 100_000;

    /// <summary>The most from one address; an IPv6 address counts with its network of 64 bits. Default 25,000. One more is
    /// refused with 429. Behind a proxy all come from the proxy's address, unless the forwarded-headers middleware puts the
    /// client's in its place.</summary>
    public int MaxConnectionsPerAddress { get; init => field = Positive(value); } = 25_000;

    private static int Positive(int value, [CallerMemberName] string name = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }
}
