using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Sluice;

/// <summary>
/// The transport's writer, shared by many senders. Whoever finds it free writes into it and starts a flush; while
/// a flush is under way, frames gather in a pooled array and leave together with the next one. Everything but
/// <see cref="DriveFlush"/> and <see cref="WaitFor"/> is called with <see cref="Gate"/> held.
/// </summary>
internal sealed class FrameOutput
{
    // What one turn of the receive loop may write before it flushes in between.
    private const int CorkLimit = 64 * 1024;

    private readonly PipeWriter _writer;
    private readonly PendingBytes _pending = new();
    private readonly Action _onFlushed;
    private readonly Action<Exception?> _onLost;

    private ValueTask<FlushResult> _flush;
    private long _started;
    private long _finished;
    private int _unflushed;
    private FlushWaiter? _waiters;
    private FlushWaiter? _spare;
    private bool _completed;

    /// <param name="writer">The transport's writer; used from here alone.</param>
    /// <param name="onLost">Called once, without the gate, when the transport takes no more.</param>
    public FrameOutput(PipeWriter writer, Action<Exception?> onLost)
    {
        _writer = writer;
        _onLost = onLost;
        _onFlushed = OnFlushed;
    }

    public Lock Gate { get; } = new();

    /// <summary>Whether the transport is gone; nothing is written any more.</summary>
    public bool IsLost { get; private set; }

    public bool IsFlushing { get; private set; }

    /// <summary>Flushes finished so far: a watcher sees by it whether one is stuck.</summary>
    public long Flushes => Volatile.Read(ref _finished);

    /// <summary>Bytes that wait for the flush under way.</summary>
    public int PendingLength => _pending.Length;

    /// <summary>Written, but not flushed yet.</summary>
    public bool HasUnflushed => _unflushed > 0;

    /// <summary>Called when a flush ended, without the gate.</summary>
    public Action? OnDrained { get; init; }

    /// <summary>Called once, without the gate, when the writer is completed.</summary>
    public Action? OnCompleted { get; init; }

    /// <summary>Where the next frame goes. What is written is told to <see cref="Commit"/>.</summary>
    public IBufferWriter<byte> Target => IsFlushing ? _pending : _writer;

    /// <summary>Ends a write into <see cref="Target"/>.</summary>
    /// <param name="size">Bytes written, roughly.</param>
    /// <param name="corked">Whether a flush will follow soon without this write.</param>
    /// <param name="drive">Whether the caller must call <see cref="DriveFlush"/> after it has left the gate.</param>
    /// <returns>What to hand to <see cref="WaitFor"/>; 0 when there is nothing to wait for.</returns>
    public long Commit(int size, bool corked, out bool drive)
    {
        drive = false;
        if (IsFlushing) return _started + 1;
        _unflushed += size;
        if (corked && _unflushed < CorkLimit) return 0;
        drive = true;
        return BeginFlush();
    }

    /// <summary>Starts to flush what is unflushed. <paramref name="drive"/> and the result as for <see cref="Commit"/>.</summary>
    public long Uncork(out bool drive)
    {
        drive = !IsFlushing && _unflushed > 0 && !IsLost;
        if (drive) return BeginFlush();
        return IsFlushing ? _started : 0;
    }

    /// <summary>Flushes until nothing is pending or the transport holds back; then its callback goes on.</summary>
    public void DriveFlush()
    {
        do
        {
            try
            {
                _flush = _writer.FlushAsync(CancellationToken.None);
            }
            catch (Exception e)
            {
                _flush = ValueTask.FromException<FlushResult>(e);
            }
            if (_flush.IsCompleted) continue;
            _flush.GetAwaiter().UnsafeOnCompleted(_onFlushed);
            return;
        }
        while (EndFlush());
    }

    /// <summary>Waits until a flush has ended. Throws when the transport was lost before.</summary>
    public ValueTask WaitFor(long ticket)
    {
        if (ticket <= Flushes) return default;
        lock (Gate)
        {
            if (ticket <= _finished) return default;
            if (IsLost) return ValueTask.FromException(Closed());
            var waiter = _spare ?? new FlushWaiter(this);
            _spare = null;
            waiter.Ticket = ticket;
            waiter.Next = _waiters;
            _waiters = waiter;
            return waiter.Task;
        }
    }

    /// <summary>Ends the writer: what is buffered still leaves, unless the transport was lost. Called without the gate.</summary>
    public void Complete()
    {
        lock (Gate)
        {
            if (_completed) return;
            _completed = true;
            if (IsFlushing) return; // the end of the flush does it
        }
        CompleteWriter();
    }

    /// <summary>Gives up what has not been sent. Called without the gate.</summary>
    public void Abort()
    {
        Lose(error: null);
        _writer.CancelPendingFlush();
    }

    private void CompleteWriter()
    {
        Lose(error: null);
        _writer.Complete();
        OnCompleted?.Invoke();
    }

    /// <summary>What a waiter is told when the transport is gone.</summary>
    public Func<Exception> Closed { get; init; } = static () => new WebSocketClosedException(result: null);

    private long BeginFlush()
    {
        IsFlushing = true;
        _unflushed = 0;
        return ++_started;
    }

    private void OnFlushed()
    {
        if (EndFlush()) DriveFlush();
    }

    /// <returns>Whether there is more to flush.</returns>
    private bool EndFlush()
    {
        Exception? error = null;
        var lost = false;
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
        FlushWaiter? waiters;
        bool again, complete;
        lock (Gate)
        {
            _finished = _started;
            again = _pending.Length > 0 && !IsLost;
            if (again)
            {
                _writer.Write(_pending.Written);
                _started++;
            }
            _pending.Clear();
            IsFlushing = again;
            complete = _completed && !again;
            waiters = TakeWaiters(IsLost ? long.MaxValue : _finished);
        }
        FlushWaiter.CompleteAll(waiters, IsLost ? Closed : null);
        OnDrained?.Invoke();
        if (complete) CompleteWriter();
        return again;
    }

    private void Lose(Exception? error)
    {
        FlushWaiter? waiters;
        lock (Gate)
        {
            if (IsLost) return;
            IsLost = true;
            waiters = TakeWaiters(long.MaxValue);
        }
        FlushWaiter.CompleteAll(waiters, Closed);
        _onLost(error);
    }

    private FlushWaiter? TakeWaiters(long upTo)
    {
        FlushWaiter? taken = null;
        FlushWaiter? kept = null;
        for (var waiter = _waiters; waiter is not null;)
        {
            var next = waiter.Next;
            ref var list = ref waiter.Ticket <= upTo ? ref taken : ref kept;
            waiter.Next = list; // senders pushed the newest first: this turns the order round
            list = waiter;
            waiter = next;
        }
        _waiters = kept;
        return taken;
    }

    /// <summary>One sender that waits for a flush; used again, so that waiting allocates nothing in steady state.</summary>
    private sealed class FlushWaiter(FrameOutput owner) : IValueTaskSource
    {
        // Not inline: what follows a send is the caller's code, which must not run inside the flush of another's.
        private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

        public long Ticket { get; set; }

        public FlushWaiter? Next { get; set; }

        public ValueTask Task => new(this, _core.Version);

        public static void CompleteAll(FlushWaiter? waiter, Func<Exception>? error)
        {
            while (waiter is not null)
            {
                var next = waiter.Next;
                waiter.Next = null;
                if (error is null) waiter._core.SetResult(true);
                else waiter._core.SetException(error());
                waiter = next;
            }
        }

        void IValueTaskSource.GetResult(short token)
        {
            try
            {
                _core.GetResult(token);
            }
            finally
            {
                _core.Reset();
                Volatile.Write(ref owner._spare, this);
            }
        }

        ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

        void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
            => _core.OnCompleted(continuation, state, token, flags);
    }
}
