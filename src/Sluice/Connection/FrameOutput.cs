using System.Buffers;
using System.IO.Pipelines;

namespace Sluice;

/// <summary>
/// The transport's writer, shared by many senders. Whoever finds it free writes into it and starts a flush; while
/// a flush is under way, frames gather in pooled segments, of which each leaves with one flush more. Everything but
/// <see cref="DriveFlush"/>, <see cref="WaitFor"/>, <see cref="Complete"/> and <see cref="Abort"/> is called with
/// the gate held, which is the object itself. A base class, and what is not always needed made late: an idle connection
/// pays for every object.
/// </summary>
internal abstract class FrameOutput
{
    // What one turn of the receive loop may write before it flushes in between.
    private const int CorkLimit = 64 * 1024;

    // From here on a payload goes to the transport as it lies, without a copy into its buffers.
    private const int DirectSize = 16 * 1024;

    private readonly PipeWriter _writer;
    private readonly bool _copiesAtOnce;
    private readonly TimerWheel _clock;

    private PendingBytes? _pending;
    private Action? _onFlushed;
    private ValueTask<FlushResult> _flush;
    private FlushWaiters _waiters;
    private Exception? _broken; // what the writer threw when it was written to
    private long _started;
    private long _finished;
    private long _heldSince = -1;
    private int _unflushed;
    private bool _completed;
    private bool _isDirect; // the flush under way reads a sender's own memory

    /// <param name="writer">The transport's writer; used from here alone.</param>
    /// <param name="clock">Tells since when the transport holds back.</param>
    protected FrameOutput(PipeWriter writer, TimerWheel clock)
    {
        _writer = writer;
        // The runtime's own writer over a stream reads the memory until its write has ended, also when the connection is
        // given up meanwhile and the memory somebody else's; its other one only copies.
        _copiesAtOnce = writer.GetType().Assembly != typeof(PipeWriter).Assembly;
        _clock = clock;
    }

    /// <summary>Whether the transport is gone; nothing is written any more.</summary>
    protected bool IsLost { get; private set; }

    private bool IsFlushing { get; set; }

    /// <summary>Since when, on the wheel's clock, the transport has held back a flush; negative when it does not.</summary>
    public long HeldSince => Volatile.Read(ref _heldSince);

    /// <summary>Bytes that wait for the flush under way.</summary>
    public int PendingLength => _pending?.Length ?? 0;

    /// <summary>Frames among them.</summary>
    protected int PendingFrames => _pending?.Frames ?? 0;

    /// <summary>Written, but not flushed yet.</summary>
    protected bool HasUnflushed => _unflushed > 0;

    /// <summary>Whether everything is flushed. Asked without the gate, it may be late to tell what other threads do.</summary>
    protected bool IsIdle => _unflushed == 0 && !IsFlushing;

    /// <summary>Where the next frame goes. What is written is told to <see cref="Commit"/>.</summary>
    protected IBufferWriter<byte> Target => IsFlushing ? _pending ??= new PendingBytes() : _writer;

    /// <summary>A write into <see cref="Target"/> threw, maybe halfway through a frame: the next flush fails with it.</summary>
    protected void Break(Exception error) => _broken ??= error;

    /// <summary>Ends a write into <see cref="Target"/>.</summary>
    /// <param name="size">Bytes written, roughly.</param>
    /// <param name="corked">Whether a flush will follow soon without this write.</param>
    /// <param name="drive">Whether the caller must call <see cref="DriveFlush"/> after it has left the gate.</param>
    /// <returns>What to hand to <see cref="WaitFor"/>; 0 when there is nothing to wait for.</returns>
    protected long Commit(int size, bool corked, out bool drive)
    {
        drive = false;
        if (IsFlushing)
        {
            _pending!.EndFrame();
            return _started + _pending.Segments; // each leaves with a flush of its own
        }
        _unflushed += size;
        if (corked && _unflushed < CorkLimit && _broken is null) return 0;
        drive = true;
        return BeginFlush();
    }

    /// <summary>Whether a payload can be handed to the transport as it lies, behind what is written: see <see cref="CommitDirect"/>.</summary>
    protected bool TakesDirect(int size) => size >= DirectSize && _copiesAtOnce && !IsFlushing && _broken is null;

    /// <summary>Ends a write into <see cref="Target"/> that a payload belongs behind: the caller hands that to
    /// <see cref="DriveFlush"/> when it has left the gate.</summary>
    /// <returns>What to hand to <see cref="WaitFor"/>.</returns>
    protected long CommitDirect()
    {
        _isDirect = true;
        return BeginFlush();
    }

    /// <summary>Starts to flush what is unflushed. <paramref name="drive"/> and the result as for <see cref="Commit"/>.</summary>
    protected long Uncork(out bool drive)
    {
        drive = !IsFlushing && _unflushed > 0 && !IsLost;
        if (drive) return BeginFlush();
        return IsFlushing ? _started + Math.Max(0, (_pending?.Segments ?? 0) - 1) : 0;
    }

    /// <summary>Flushes until nothing is pending or the transport holds back; then its callback goes on.</summary>
    /// <param name="direct">What <see cref="CommitDirect"/> was called for.</param>
    protected void DriveFlush(ReadOnlyMemory<byte> direct = default)
    {
        do
        {
            try
            {
                _flush = _broken is { } broken ? ValueTask.FromException<FlushResult>(broken)
                    : direct.IsEmpty ? _writer.FlushAsync(CancellationToken.None)
                    : _writer.WriteAsync(direct, CancellationToken.None);
                direct = default;
            }
            catch (Exception e)
            {
                _flush = ValueTask.FromException<FlushResult>(e);
            }
            if (_flush.IsCompleted) continue;
            Volatile.Write(ref _heldSince, _clock.CoarseNow);
            _flush.GetAwaiter().UnsafeOnCompleted(_onFlushed ??= OnFlushed);
            return;
        }
        while (EndFlush());
    }

    /// <summary>Waits until a flush has ended. Fails when the transport was lost before.</summary>
    protected ValueTask WaitFor(long ticket)
    {
        if (ticket <= Volatile.Read(ref _finished)) return default;
        lock (this)
        {
            if (ticket <= _finished) return default;
            return IsLost && ticket > Read ? ValueTask.FromException(ClosedException()) : _waiters.Add(ticket, this);
        }
    }

    /// <summary>Ends the writer: what is buffered still leaves, unless the transport was lost.</summary>
    public void Complete()
    {
        var drive = false;
        lock (this)
        {
            if (_completed) return;
            _completed = true;
            if (!IsFlushing) Uncork(out drive);
            if (IsFlushing && !drive) return; // the end of the flush completes the writer
        }
        if (drive) DriveFlush();
        else CompleteWriter();
    }

    /// <summary>Gives up what has not been sent.</summary>
    public void Abort()
    {
        Lose(error: null);
        try
        {
            _writer.CancelPendingFlush();
        }
        catch
        {
            // A transport that is torn down already has no flush to cancel.
        }
        Complete();
    }

    /// <summary>What is unflushed is flushed now. Called with the gate held.</summary>
    protected abstract void OnFlushing();

    /// <summary>A flush ended. Called without the gate.</summary>
    protected abstract void OnDrained();

    /// <summary>The transport takes no more before <see cref="Complete"/>. Called once, without the gate.</summary>
    protected abstract void OnLost(Exception? error);

    /// <summary>The writer is completed. Called once, without the gate.</summary>
    protected abstract void OnCompleted();

    /// <summary>What a waiter is told when the transport is gone.</summary>
    protected abstract Exception ClosedException();

    // The memory of a direct flush is read until that has ended, also when the transport is given up meanwhile: its sender, who
    // may put the memory to another use then, waits for as long. Tickets up to this one, with the gate held.
    private long Read => _isDirect ? _started : 0;

    private long BeginFlush()
    {
        IsFlushing = true;
        _unflushed = 0;
        OnFlushing();
        return ++_started;
    }

    private void OnFlushed()
    {
        if (EndFlush()) DriveFlush();
    }

    /// <returns>Whether there is more to flush.</returns>
    private bool EndFlush()
    {
        Volatile.Write(ref _heldSince, -1);
        Exception? error = null;
        bool lost;
        try
        {
            var result = _flush.Result;
            lost = result.IsCompleted || result.IsCanceled;
        }
        catch (Exception e)
        {
            error = e;
            lost = true;
        }
        if (lost) Lose(error);

        FlushWaiters.Waiter? done, left;
        bool again, complete;
        lock (this)
        {
            _isDirect = false;
            if (!lost) Volatile.Write(ref _finished, _started);
            again = (PendingLength > 0 || _broken is not null) && !IsLost;
            if (again) WritePending();
            else _pending?.Clear();
            IsFlushing = again;
            complete = _completed && !again;
            done = _waiters.Take(_finished);
            left = IsLost ? _waiters.Take(long.MaxValue) : null;
        }
        FlushWaiters.Complete(done, error: null);
        FlushWaiters.Complete(left, ClosedException);
        OnDrained();
        if (complete) CompleteWriter();
        return again;
    }

    private void WritePending()
    {
        _started++;
        try
        {
            if (PendingLength > 0) _pending!.MoveFirst(_writer);
        }
        catch (Exception e)
        {
            Break(e);
        }
    }

    private void Lose(Exception? error)
    {
        FlushWaiters.Waiter? left;
        bool tell;
        lock (this)
        {
            if (IsLost) return;
            IsLost = true;
            tell = !_completed;
            left = _waiters.TakeAbove(Read);
        }
        FlushWaiters.Complete(left, ClosedException);
        if (tell) OnLost(error);
    }

    private void CompleteWriter()
    {
        var wasLost = IsLost;
        Lose(error: null);
        try
        {
            // With an exception a writer throws away what it holds; without, some would write it out, and block.
            _writer.Complete(wasLost ? ClosedException() : null);
        }
        catch
        {
            // The transport's own end; there is nobody left to tell.
        }
        OnCompleted();
    }
}
