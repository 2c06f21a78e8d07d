using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>
/// One timer for all connections of a clock: each waits in the slot of its next due time, so that a tick touches
/// only what is due, and setting or moving a time costs no allocation.
/// </summary>
internal sealed class TimerWheel
{
    /// <summary>How finely time is cut; nothing fires early, and at most this late.</summary>
    public const int TickMilliseconds = 50;

    private const int Slots = 1024; // a bit under a minute; later times go round

    private static readonly ConditionalWeakTable<TimeProvider, TimerWheel> Wheels = [];

    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Lock _gate = new();
    private readonly Entry?[] _slots = new Entry?[Slots];
    private readonly ITimer _timer;
    private long _tick;
    private int _count;
    private int _ticking;

    private TimerWheel(TimeProvider time)
    {
        _time = time;
        _start = time.GetTimestamp();
        _timer = time.CreateTimer(static wheel => ((TimerWheel)wheel!).OnTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Milliseconds since the wheel was made.</summary>
    public long Now => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>As <see cref="Now"/>, but as of the last tick, and so almost free. Moves only while something is scheduled.</summary>
    public long CoarseNow => Volatile.Read(ref _tick) * TickMilliseconds;

    public static TimerWheel For(TimeProvider time) => Wheels.GetValue(time, static t => new TimerWheel(t));

    /// <summary>Sets or moves the time at which <see cref="Entry.OnDue"/> is called, once; <see cref="long.MaxValue"/> for never.</summary>
    public void Schedule(Entry entry, long due)
    {
        lock (_gate)
        {
            Unlink(entry);
            if (due == long.MaxValue) return;
            if (_count++ == 0)
            {
                Volatile.Write(ref _tick, Now / TickMilliseconds);
                _timer.Change(TimeSpan.FromMilliseconds(TickMilliseconds), TimeSpan.FromMilliseconds(TickMilliseconds));
            }
            entry.DueTick = Math.Max(_tick + 1, (due + TickMilliseconds - 1) / TickMilliseconds);
            Link(entry);
        }
    }

    private void OnTick()
    {
        if (Interlocked.Exchange(ref _ticking, 1) == 1) return; // the last tick takes long: this one's share comes with the next
        try
        {
            FireDue();
        }
        finally
        {
            Volatile.Write(ref _ticking, 0);
        }
    }

    private void FireDue()
    {
        Entry? due = null;
        lock (_gate)
        {
            var now = Now / TickMilliseconds;
            // After a long pause one round touches every slot.
            for (var steps = Math.Min(now - _tick, Slots); steps > 0; steps--)
            {
                for (var entry = _slots[(int)((now - steps + 1) % Slots)]; entry is not null;)
                {
                    var next = entry.Next;
                    if (entry.DueTick <= now)
                    {
                        Unlink(entry);
                        entry.NextDue = due;
                        due = entry;
                    }
                    entry = next;
                }
            }
            Volatile.Write(ref _tick, Math.Max(_tick, now));
        }
        while (due is not null)
        {
            var entry = due;
            due = entry.NextDue;
            entry.NextDue = null;
            try
            {
                entry.OnDue();
            }
            catch
            {
                // One entry's fault must not take the others' time, nor the process.
            }
        }
    }

    private void Link(Entry entry)
    {
        ref var slot = ref _slots[(int)(entry.DueTick % Slots)];
        entry.Next = slot;
        entry.Previous = null;
        if (slot is not null) slot.Previous = entry;
        slot = entry;
        entry.IsLinked = true;
    }

    private void Unlink(Entry entry)
    {
        if (!entry.IsLinked) return;
        if (entry.Previous is { } previous) previous.Next = entry.Next;
        else _slots[(int)(entry.DueTick % Slots)] = entry.Next;
        if (entry.Next is { } next) next.Previous = entry.Previous;
        entry.Next = entry.Previous = null;
        entry.IsLinked = false;
        if (--_count == 0) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something with a due time. The links are the wheel's.</summary>
    internal abstract class Entry
    {
        internal long DueTick { get; set; }

        internal bool IsLinked { get; set; }

        internal Entry? Next { get; set; }

        internal Entry? Previous { get; set; }

        internal Entry? NextDue { get; set; }

        /// <summary>Called on the timer's thread, once for each time that was set. Must neither block nor throw.</summary>
        protected internal abstract void OnDue();
    }
}
