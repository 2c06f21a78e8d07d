namespace Sluice;

/// <summary>
/// How many pings and pongs a peer may still send: a bucket of ten seconds' worth, which fills at the rate that is allowed.
/// The clock is looked at only when the bucket is empty. A mutable struct: keep it in a field.
/// </summary>
internal struct ControlFrameBudget(ConnectionOptions options)
{
    private const long Seconds = 10;

    private long _left = Seconds * 1000 * options.MaxControlFramesPerSecond; // in thousandths of a frame
    private long _filledAt = TimerWheel.For(options.TimeProvider).Now;

    /// <summary>Takes one frame. <see langword="false"/>: there were too many.</summary>
    public bool TryTake(ConnectionOptions options)
    {
        if (_left < 1000)
        {
            var now = TimerWheel.For(options.TimeProvider).Now;
            _left += options.MaxControlFramesPerSecond * Math.Min(now - _filledAt, Seconds * 1000);
            _filledAt = now;
            if (_left < 1000) return false;
        }
        _left -= 1000;
        return true;
    }
}
