using Sluice.Tests.Connection;

namespace Sluice.Tests.Client;

/// <summary>When to connect again, and when not to.</summary>
public sealed class ReconnectScheduleTests
{
    private static readonly CloseResult Lost = new(CloseCode.AbnormalClosure, "", byPeer: true, wasClean: false);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Waits_grow_by_the_factor_up_to_the_longest()
    {
        var schedule = Create(new() { FirstDelay = Seconds(1), Factor = 3, MaxDelay = Seconds(20), Jitter = 0 });
        Waits(schedule, 5).ShouldBe([1, 3, 9, 20, 20]);
    }

    [Fact]
    public void They_never_overflow()
    {
        var schedule = Create(new() { Factor = 1e300, Jitter = 0 });
        Waits(schedule, 2000)[^1].ShouldBe(30);
    }

    [Theory]
    [InlineData(0.5, 0.0, 8)]
    [InlineData(0.5, 0.5, 6)]
    [InlineData(0.5, 0.999, 4)]
    [InlineData(1, 0.999, 0)]
    [InlineData(0, 0.999, 8)]
    public void RFC_6455_7_2_3_a_part_of_each_is_random(double jitter, double random, int wait)
    {
        var schedule = Create(new() { FirstDelay = Seconds(8), Jitter = jitter }, random);
        Math.Round(schedule.Next(Lost)!.Delay.TotalSeconds, 1).ShouldBe(wait, tolerance: 0.05);
    }

    [Fact]
    public void A_connection_that_lasted_begins_anew_and_a_short_one_does_not()
    {
        var schedule = Create(new() { FirstDelay = Seconds(1), StableAfter = Seconds(10), Jitter = 0 });
        Waits(schedule, 2).ShouldBe([1, 2]);
        schedule.Connected();
        _time.Advance(Seconds(9));
        Waits(schedule, 1).ShouldBe([4]);
        schedule.Connected();
        _time.Advance(Seconds(10));
        Waits(schedule, 2).ShouldBe([1, 2]);
    }

    [Fact]
    public void Attempts_in_a_row_are_bounded_and_numbered()
    {
        var schedule = Create(new() { MaxAttempts = 2, StableAfter = Seconds(10) });
        schedule.Next(Lost)!.Attempt.ShouldBe(1);
        schedule.Next(Lost)!.Attempt.ShouldBe(2);
        schedule.Next(Lost).ShouldBeNull();
        schedule.Connected();
        _time.Advance(Seconds(10));
        schedule.Next(Lost)!.Attempt.ShouldBe(1);
    }

    [Theory]
    [InlineData("120", 120)]
    [InlineData("1", 2)] // sooner than the backoff, which holds
    [InlineData("301", 300)]
    [InlineData("99999999999999999999", 2)]
    [InlineData("-5", 2)]
    [InlineData("soon", 2)]
    [InlineData("Thu, 01 Jan 1970 00:01:40 GMT", 100)]
    [InlineData("Thu, 01 Jan 1970 00:00:00 GMT", 2)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 300)]
    public void RFC_9110_10_2_3_Retry_After_is_heeded_within_bounds(string value, int wait)
    {
        var schedule = Create(new() { FirstDelay = Seconds(2), Jitter = 0, MaxRetryAfter = TimeSpan.FromMinutes(5) });
        schedule.Next(Refused(503, value))!.Delay.TotalSeconds.ShouldBe(wait);
    }

    [Theory]
    [InlineData(1000, false)]
    [InlineData(1001, true)]
    [InlineData(1002, false)]
    [InlineData(1003, false)]
    [InlineData(1005, false)]
    [InlineData(1006, true)]
    [InlineData(1007, false)]
    [InlineData(1008, false)]
    [InlineData(1009, false)]
    [InlineData(1010, false)]
    [InlineData(1011, true)]
    [InlineData(1012, true)]
    [InlineData(1013, true)]
    [InlineData(1014, true)]
    [InlineData(3000, false)]
    [InlineData(4000, false)]
    public void By_close_code(int code, bool isTransient)
        => (Create(new()).Next(new CloseResult((CloseCode)code, "", byPeer: true, wasClean: true)) is not null).ShouldBe(isTransient);

    [Theory]
    [InlineData(200, false)]
    [InlineData(302, false)]
    [InlineData(400, false)]
    [InlineData(401, false)]
    [InlineData(403, false)]
    [InlineData(404, false)]
    [InlineData(408, true)]
    [InlineData(425, true)]
    [InlineData(426, false)]
    [InlineData(429, true)]
    [InlineData(500, true)]
    [InlineData(501, false)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(504, true)]
    [InlineData(505, false)]
    [InlineData(599, true)]
    [InlineData(600, false)]
    public void By_status(int status, bool isTransient)
        => (Create(new()).Next(Refused(status)) is not null).ShouldBe(isTransient);

    [Theory]
    [InlineData(ConnectFailure.NameNotResolved, true)]
    [InlineData(ConnectFailure.ConnectionRefused, true)]
    [InlineData(ConnectFailure.Unreachable, true)]
    [InlineData(ConnectFailure.Timeout, true)]
    [InlineData(ConnectFailure.ConnectionLost, true)]
    [InlineData(ConnectFailure.Proxy, false)]
    [InlineData(ConnectFailure.InvalidResponse, false)]
    [InlineData(ConnectFailure.InvalidUpgrade, false)]
    [InlineData(ConnectFailure.HttpVersion, false)]
    public void By_failure(ConnectFailure failure, bool isTransient)
        => (Create(new()).Next(new HandshakeException(failure, "")) is not null).ShouldBe(isTransient);

    [Fact]
    public void A_certificate_is_not_tried_again_but_a_network_that_broke_is()
    {
        var rejected = new HandshakeException(ConnectFailure.Tls, "", new System.Security.Authentication.AuthenticationException());
        Create(new()).Next(rejected).ShouldBeNull();
        Create(new()).Next(new HandshakeException(ConnectFailure.Tls, "", new IOException())).ShouldNotBeNull();
    }

    [Fact]
    public void The_callers_rule_takes_the_place_of_the_defaults()
    {
        var schedule = Create(new() { ShouldReconnect = cause => cause.Failure?.Status == 404 || (cause.IsTransient && cause.Attempt < 2) });
        schedule.Next(Refused(404)).ShouldNotBeNull();
        schedule.Next(Lost).ShouldBeNull();
    }

    [Fact]
    public void Options_that_can_not_work_are_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { FirstDelay = TimeSpan.Zero });
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { MaxDelay = Timeout.InfiniteTimeSpan });
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { Factor = 0.9 });
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { Factor = double.NaN });
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { Jitter = 1.1 });
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { Jitter = double.NaN });
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { MaxAttempts = -1 });
        Should.Throw<ArgumentOutOfRangeException>(() => new ReconnectOptions { MaxRetryAfter = TimeSpan.FromSeconds(-1) });
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static HandshakeException Refused(int status, string? retryAfter = null) => new(ConnectFailure.Refused, $"{status}")
    {
        Status = status,
        Headers = retryAfter is null ? new() : new Dictionary<string, IReadOnlyList<string>> { ["Retry-After"] = [retryAfter] },
    };

    private static double[] Waits(ReconnectSchedule schedule, int count)
        => [.. Enumerable.Range(0, count).Select(_ => schedule.Next(Lost)!.Delay.TotalSeconds)];

    private ReconnectSchedule Create(ReconnectOptions options, double random = 0) => new(options, _time) { NextRandom = () => random };
}
