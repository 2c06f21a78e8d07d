namespace Sluice;

/// <summary>When and how often a client connects again. Immutable.</summary>
public sealed record ReconnectOptions
{
    /// <summary>The options that hold when none are given.</summary>
    public static ReconnectOptions Default { get; } = new();

    /// <summary>The wait before the first new attempt, jitter aside. Default 1 s.</summary>
    public TimeSpan FirstDelay { get; init => field = Checked(value, nameof(value)); } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait, but for a <c>Retry-After</c>. Default 30 s.</summary>
    public TimeSpan MaxDelay { get; init => field = Checked(value, nameof(value)); } = TimeSpan.FromSeconds(30);

    /// <summary>By what a wait grows from one attempt to the next. Default 2; at least 1.</summary>
    public double Factor
    {
        get;
        init
        {
            if (!(value >= 1 && double.IsFinite(value))) throw new ArgumentOutOfRangeException(nameof(value), value, "a factor is 1 or more");
            field = value;
        }
    } = 2;

    /// <summary>What part of each wait is random, so that the clients of a server that was restarted do not all come back at
    /// once (RFC 6455 §7.2.3): 0 for none, 1 for all of it. Default 0.5, so half of the wait to all of it.</summary>
    public double Jitter
    {
        get;
        init
        {
            if (value is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(value), value, "jitter is a part, from 0 to 1");
            field = value;
        }
    } = 0.5;

    /// <summary>How long a connection must have lasted for the waits to begin with the first again. Default 30 s.</summary>
    public TimeSpan StableAfter { get; init => field = Checked(value, nameof(value)); } = TimeSpan.FromSeconds(30);

    /// <summary>How many attempts in a row are made without a connection that lasted. Default: no end, since waits are bounded
    /// below and above.</summary>
    public int MaxAttempts
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = int.MaxValue;

    /// <summary>The longest wait that a server may ask for by <c>Retry-After</c> (RFC 9110 §10.2.3); what is beyond it is cut.
    /// Default 5 min; zero to heed none.</summary>
    public TimeSpan MaxRetryAfter
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(24));
            field = value;
        }
    } = TimeSpan.FromMinutes(5);

    /// <summary>How many messages may wait for a connection in <see cref="ReconnectingWebSocketClient.SendAsync(string, CancellationToken)"/>.
    /// Default 1,000; one more is refused.</summary>
    public int MaxWaiting
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 1000;

    /// <summary>Which ends to connect again after. Default <see cref="Reconnection.IsTransient"/>.</summary>
    public Func<Reconnection, bool> ShouldReconnect
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = static cause => cause.IsTransient;

    private static TimeSpan Checked(TimeSpan value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(24), name);
        return value;
    }
}
