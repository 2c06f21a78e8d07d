using System.Net.Http.Headers;

namespace Sluice;

/// <summary>
/// Decides whether and when to connect again: exponential backoff with jitter. For loops of one's own;
/// <see cref="ReconnectingWebSocketClient"/> has one. Not thread-safe.
/// </summary>
/// <param name="options">Waits and rules; <see langword="null"/> for the defaults.</param>
/// <param name="time">The clock; <see langword="null"/> for the system's.</param>
public sealed class ReconnectSchedule(ReconnectOptions? options = null, TimeProvider? time = null)
{
    private readonly ReconnectOptions _options = options ?? ReconnectOptions.Default;
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private long? _connectedAt;
    private int _attempts;

    /// <summary>A number from 0 to below 1.</summary>
    internal Func<double> NextRandom { get; init; } = Random.Shared.NextDouble;

    /// <summary>A connection is open: its time begins to count for <see cref="ReconnectOptions.StableAfter"/>.</summary>
    public void Connected() => _connectedAt = _time.GetTimestamp();

    /// <summary>Connecting failed.</summary>
    /// <returns>The next attempt, to be made after its <see cref="Reconnection.Delay"/>; <see langword="null"/> for none.</returns>
    public Reconnection? Next(HandshakeException failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return Next(new Reconnection { Failure = failure });
    }

    /// <summary>The connection ended.</summary>
    /// <inheritdoc cref="Next(HandshakeException)" path="/returns"/>
    public Reconnection? Next(CloseResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return Next(new Reconnection { Result = result });
    }

    private Reconnection? Next(Reconnection cause)
    {
        if (_connectedAt is { } since && _time.GetElapsedTime(since) >= _options.StableAfter) _attempts = 0;
        _connectedAt = null;
        if (_attempts == _options.MaxAttempts) return null;
        cause = cause with { Attempt = _attempts + 1 };
        if (!_options.ShouldReconnect(cause)) return null;
        var delay = Jittered(Backoff());
        _attempts++;
        var asked = RetryAfter(cause.Failure);
        return cause with { Delay = asked > delay ? asked : delay };
    }

    private TimeSpan Backoff()
    {
        var seconds = _options.FirstDelay.TotalSeconds * Math.Pow(_options.Factor, _attempts); // may be infinite
        return seconds < _options.MaxDelay.TotalSeconds ? TimeSpan.FromSeconds(seconds) : _options.MaxDelay;
    }

    private TimeSpan Jittered(TimeSpan delay) => delay * (1 - (_options.Jitter * NextRandom()));

    // RFC 9110 §10.2.3: seconds, or a date.
    private TimeSpan RetryAfter(HandshakeException? failure)
    {
        if (failure is null || !failure.Headers.TryGetValue("Retry-After", out var values) || values is not [var value]) return TimeSpan.Zero;
        if (!RetryConditionHeaderValue.TryParse(value, out var parsed)) return TimeSpan.Zero;
        var asked = parsed.Delta ?? parsed.Date - _time.GetUtcNow() ?? TimeSpan.Zero;
        return asked < _options.MaxRetryAfter ? asked : _options.MaxRetryAfter;
    }
}
