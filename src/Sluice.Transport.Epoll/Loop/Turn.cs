namespace Sluice.Transport.Epoll;

/// <summary>
/// One thread's run through the callbacks that became due: one wait's events on a loop's thread, one continuation on a
/// thread of the pool. What is flushed during it is corked, and leaves at its end in one write a connection. A turn
/// that a callback holds up is found by <see cref="Watchdog"/>, which uncorks it from outside.
/// </summary>
internal sealed class Turn
{
    private const long Stolen = -1;

    // A callback that computes keeps its loop for so much processor time from the watchdog's first look at it, one that waits only
    // until its second. By the clock, a machine that has other things to do would look like a callback that has.
    private const long PatientNanoseconds = 4 * Watchdog.PeriodMilliseconds * 1_000_000;

    // A turn that writes to more connections than these writes to the others at once, or it would need memory for each of them.
    private const int MaxCorked = 4096;

    [ThreadStatic]
    private static Turn? Own;

    private OutputQueue?[] _corked = new OutputQueue?[64];
    private volatile int _count;
    private readonly LoopThread? _loop;
    private long _step; // odd while a callback runs, Stolen after the watchdog has taken the turn away
    private long _seen; // the watchdog's notes
    private long _seenTime;
    private int _threadId;
    private volatile bool _open;
    private ExecutionContext? _context;

    public Turn(LoopThread? loop)
    {
        _loop = loop;
        Watchdog.Register(this);
    }

    /// <summary>The turn that this thread is in, while corking in it is allowed.</summary>
    public static Turn? Current => Own is { _open: true } turn ? turn : null;

    /// <summary>Begins a turn on a thread of the pool.</summary>
    public static Turn BeginOnPool()
    {
        var turn = Own ??= new Turn(loop: null);
        turn.Begin();
        turn.Enter();
        return turn;
    }

    public void EndOnPool()
    {
        Leave();
        End();
    }

    /// <summary>Makes this the turn of the calling thread.</summary>
    public void Adopt()
    {
        Own = this;
        _context = ExecutionContext.Capture();
        _threadId = Libc.ThreadId();
    }

    public void Begin() => _open = true;

    /// <summary>Runs a callback on a loop's thread, and leaves nothing of it there.</summary>
    /// <returns>Whether the turn is still this thread's. If not, another has gone on with the loop.</returns>
    public bool Call<T>(T callback)
        where T : ICallback
    {
        Enter();
        callback.Run();
        if (SynchronizationContext.Current is not null) SynchronizationContext.SetSynchronizationContext(null);
        if (_context is not null) ExecutionContext.Restore(_context);
        return Leave();
    }

    /// <summary>A callback begins, which may run anybody's code.</summary>
    private void Enter()
    {
        Volatile.Write(ref _step, _step + 1);
        if (Watchdog.IsAsleep) Watchdog.Wake();
    }

    private bool Leave()
    {
        var step = _step;
        if (step != Stolen && Interlocked.CompareExchange(ref _step, step + 1, step) == step) return true;
        if (_loop is null || !_loop.IsDriving) return false;
        _step = _seen + 1; // no other thread could be started
        return true;
    }

    /// <summary>Remembers a connection that has something to write at the end. Called with its queue's lock held.</summary>
    /// <returns>Whether it will be written then; if not, the caller has to.</returns>
    public bool TryCork(OutputQueue output)
    {
        var count = _count;
        if (!_open || count == MaxCorked) return false;
        if (count == _corked.Length)
        {
            var larger = new OutputQueue?[count * 2];
            _corked.CopyTo(larger, 0);
            Volatile.Write(ref _corked, larger);
        }
        _corked[count] = output;
        _count = count + 1;
        // The watchdog closes the turn and then counts, this counts and then looks whether the turn is open: one sees the other.
        Interlocked.MemoryBarrier();
        return _open;
    }

    public void End()
    {
        // Only this thread adds, so nothing changes while it walks. The watchdog may uncork the same ones, which does no harm.
        var count = _count;
        for (var i = 0; i < count; i++) _corked[i]!.Uncork();
        _open = false;
        _count = 0;
        Array.Clear(_corked, 0, count);
    }

    /// <summary>The watchdog's look: has the same callback been running since the last one?</summary>
    /// <returns>Whether a callback runs.</returns>
    internal bool Inspect()
    {
        var step = Volatile.Read(ref _step);
        if ((step & 1) == 0 || step == Stolen) return false;
        if (step != _seen)
        {
            _seen = step;
            _seenTime = _loop is null ? 0 : Libc.ThreadTime(_threadId);
            return true;
        }
        Uncork();
        if (_loop is null || (Libc.ThreadTime(_threadId) - _seenTime < PatientNanoseconds && !ThreadState.IsWaiting(_threadId))) return true;
        _loop.HandOver(step);
        return true;
    }

    /// <summary>Takes the turn from its thread, if that is still in the same callback.</summary>
    internal bool TrySteal(long step) => Interlocked.CompareExchange(ref _step, Stolen, step) == step;

    // What is flushed from now on is written at once.
    private void Uncork()
    {
        if (!_open) return;
        _open = false;
        Interlocked.MemoryBarrier();
        var count = _count;
        var corked = Volatile.Read(ref _corked);
        for (var i = 0; i < count && i < corked.Length; i++) Volatile.Read(ref corked[i])?.Uncork();
    }
}
