namespace Sluice.Transport.Epoll;

/// <summary>Whether the application's code is run on the loops' threads: until it blocks one, and then not for a while.</summary>
internal sealed class InlineTrust
{
    private const long FirstPause = 1_000; // milliseconds
    private const long LongestPause = 120_000;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private long _pause;
    private long _until;
    private volatile bool _lost;

    public InlineTrust(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
    }

    private long Now => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>Whether a continuation runs on its loop's thread.</summary>
    public bool Allows(ContinuationScheduling scheduling)
        => scheduling == ContinuationScheduling.Inline || (scheduling == ContinuationScheduling.Adaptive && (!_lost || HasReturned()));

    /// <summary>A callback has blocked a loop.</summary>
    public void Lose()
    {
        lock (_gate)
        {
            var now = Now;
            // One that comes long after the last is a first one again.
            _pause = _pause == 0 || now > _until + LongestPause ? FirstPause : Math.Min(_pause * 2, LongestPause);
            _until = now + _pause;
            _lost = true;
        }
    }

    private bool HasReturned()
    {
        lock (_gate)
        {
            if (Now < _until) return false;
            _lost = false;
            return true;
        }
    }
}
