namespace Sluice.Proxy;

/// <summary>
/// How a proxy treats its clients and its backend. Read once, by <c>MapProxy</c>; later changes have no effect.
/// Every time-out is positive or <see cref="Timeout.InfiniteTimeSpan"/>.
/// </summary>
public sealed class ProxyOptions
{
    /// <summary>How long a new connection to the backend may take, name resolution and TLS included; then the client gets 504. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the backend may take from the end of the request to the end of its response headers, and how long it
    /// may leave a piece of the request body untaken; then the client gets 504. Time spent waiting for the client's
    /// body does not count, and the response body has no limit. Default 100 s.
    /// </summary>
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(100);

    /// <summary>Once the client of a tunnel has ended its side, how long the backend may send nothing and not end; then the tunnel is cut. Default 5 s.</summary>
    public TimeSpan HalfCloseTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one side of a tunnel may take none of the bytes that wait for it; then the tunnel is cut. Default 1 min.</summary>
    public TimeSpan SendTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long tunnels may go on once the host stops; then they are cut. New upgrades get 503 meanwhile. Default 5 s;
    /// keep it below the host's shutdown time-out (30 s by default), which cuts everything.
    /// </summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether the backend sees the <c>Host</c> that the client sent; otherwise it sees its own. Either way
    /// <c>X-Forwarded-Host</c> carries the client's. Default <see langword="true"/>.
    /// </summary>
    public bool PreserveHost { get; set; } = true;

    /// <summary>
    /// The largest request body in bytes; more gets 413. Bodies are streamed, so they cost no memory, and the limit is
    /// the backend's business: the default is <see langword="null"/>, none. It replaces Kestrel's own limit (30 MB) for
    /// the requests of this proxy, and that limit would otherwise break uploads that the backend accepts. WebSockets
    /// are not bodies, on HTTP/2 either.
    /// </summary>
    public long? MaxRequestBodySize { get; set; }

    /// <summary>Whether any certificate of an https backend will do. For tests: it makes TLS worthless against an attacker on the path. Default <see langword="false"/>.</summary>
    public bool InsecureBackend { get; set; }

    /// <summary>The largest piece in bytes that is read or written at once, 1 KiB to 1 MiB. Held only while bytes move. Default 16 KiB.</summary>
    public int BufferSize { get; set; } = 16 * 1024;

    /// <summary>The clock of every time-out. Default <see cref="TimeProvider.System"/>.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal ProxyOptions Validated()
    {
        CheckTimeout(ConnectTimeout, nameof(ConnectTimeout));
        CheckTimeout(ResponseTimeout, nameof(ResponseTimeout));
        CheckTimeout(HalfCloseTimeout, nameof(HalfCloseTimeout));
        CheckTimeout(SendTimeout, nameof(SendTimeout));
        CheckTimeout(DrainTimeout, nameof(DrainTimeout));
        if (MaxRequestBodySize < 0) throw Invalid(nameof(MaxRequestBodySize), "is negative; null means no limit");
        if (BufferSize is < 1024 or > 1024 * 1024) throw Invalid(nameof(BufferSize), $"is {BufferSize}; it must be 1024 to 1048576 bytes");
        if (TimeProvider is null) throw Invalid(nameof(TimeProvider), "is null; leave it out for the system's clock");
        return (ProxyOptions)MemberwiseClone();
    }

    private static void CheckTimeout(TimeSpan value, string name)
    {
        if (value == Timeout.InfiniteTimeSpan) return;

        // 2^32 - 2 ms is the longest that a timer takes.
        if (value <= TimeSpan.Zero || value.TotalMilliseconds > uint.MaxValue - 1)
        {
            throw Invalid(name, $"is {value}; it must be positive and at most 49 days, or Timeout.InfiniteTimeSpan");
        }
    }

    private static ArgumentException Invalid(string name, string what) => new($"ProxyOptions.{name} {what}", name);
}
