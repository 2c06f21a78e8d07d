using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Sluice.Transport.Epoll;

/// <summary>
/// The reading side of a connection. It reads when somebody wants bytes and the kernel has some, never ahead of its consumer,
/// and never to learn that there is nothing: a short read has drained the socket, and the next event tells of more. The lock is
/// the object itself.
/// </summary>
internal sealed partial class SocketReader : PipeReader, IValueTaskSource<ReadResult>, IThreadPoolWorkItem
{
    private readonly EpollConnection _connection;
    private HeldBytes _held;
    private ManualResetValueTaskSourceCore<ReadResult> _source;
    private Cancellation? _cancellation;
    private Exception? _error;
    private SavedBytes? _saved;
    private bool _readable; // the kernel may have something
    private bool _endBehind; // the end, or an error, is behind what the kernel has
    private bool _endNoticed; // and ConnectionClosed has told so
    private bool _ended;
    private bool _closed;
    private bool _waiting;
    private bool _claimed; // somebody is about to end the waiting read
    private bool _lent; // a result is out, and AdvanceTo due
    private bool _cancelRequested;
    private bool _completed;

    public SocketReader(EpollConnection connection)
    {
        _connection = connection;
        _held = new HeldBytes(connection.Loop.Memory);
    }

    /// <summary>Whether the peer's end was read: nothing more can come.</summary>
    public bool IsAtEnd => Volatile.Read(ref _ended);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        short version;
        lock (this)
        {
            ThrowIfNotAllowed();
            if (TryTake(out var result)) return new ValueTask<ReadResult>(result);
            _held.Compact();
            _source.Reset();
            version = _source.Version;
            if (cancellationToken.CanBeCanceled) Register(cancellationToken);
            _waiting = true;
            if (cancellationToken.IsCancellationRequested && TryClaim()) Dispatch();
        }
        return new ValueTask<ReadResult>(this, version);
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (this)
        {
            ThrowIfNotAllowed();
            return TryTake(out result);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        // While a result is out, what is held is its reader's alone: nothing is received then.
        if (_completed) throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        if (!_lent) throw new InvalidOperationException("There is no result of a read to advance in.");
        _held.Advance(consumed, examined);
        _lent = false;
    }

    public override void CancelPendingRead()
    {
        lock (this)
        {
            _cancelRequested = true;
            if (!TryClaim()) return;
        }
        Dispatch();
    }

    public override void Complete(Exception? exception = null)
    {
        lock (this)
        {
            if (_completed) return;
            _completed = true;
            _lent = false;
            _saved = null;
            if (!_waiting && !_claimed) _held.Clear();
            if (_readable) LookForEnd();
        }
    }

    /// <summary>The kernel has bytes, the end or an error. Called on the loop's thread.</summary>
    /// <param name="flags">What epoll says.</param>
    /// <param name="turn">The turn under way; <see langword="null"/> when it is not the calling thread's any more.</param>
    /// <returns>Whether the turn is still the calling thread's.</returns>
    public bool OnReadable(uint flags, Turn? turn)
    {
        if (turn is not null && _connection.RunsInline) return turn.Call(new Event(this, flags));
        lock (this)
        {
            if (!TryClaim(flags)) return true;
        }
        Dispatch();
        return true;
    }

    /// <summary>The descriptor is not used from here any more.</summary>
    /// <param name="reason">What reads fail with from now on.</param>
    /// <param name="isOrderly">The output has ended. Where the peer's end had been noticed before, what it sent is still to be read.</param>
    public void OnClosed(Exception reason, bool isOrderly)
    {
        lock (this)
        {
            if (isOrderly && (_ended || _endNoticed)) SaveRest();
            else _error = reason;
            _closed = true;
            if (_completed) _held.Clear();
            if (!TryClaim()) return;
        }
        Dispatch();
    }

    // Ends the waiting read with what there is, or goes on waiting when there is nothing after all.
    private void Run(bool isClaimed, uint flags)
    {
        ReadResult result;
        Exception? error = null;
        CancellationTokenRegistration registration = default;
        lock (this)
        {
            if (!isClaimed && !TryClaim(flags)) return;
            _claimed = false;
            if (_cancellation is { Token: { IsCancellationRequested: true } token } && _error is null)
            {
                error = new OperationCanceledException(token);
                result = default;
            }
            else
            {
                try
                {
                    if (!TryTake(out result))
                    {
                        _waiting = true;
                        return;
                    }
                }
                catch (Exception e)
                {
                    error = e;
                    result = default;
                }
            }
            if (_cancellation is not null) registration = _cancellation.Take();
        }
        registration.Dispose();
        if (error is null) _source.SetResult(result);
        else _source.SetException(error);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    void IThreadPoolWorkItem.Execute()
    {
        var turn = Turn.BeginOnPool();
        Run(isClaimed: true, flags: 0);
        turn.EndOnPool();
    }

    // Before the read waits, so that whoever ends it finds the registration.
    private void Register(CancellationToken cancellationToken)
        => (_cancellation ??= new Cancellation()).Register(static reader => ((SocketReader)reader!).OnTokenCanceled(), this, cancellationToken);

    private void OnTokenCanceled()
    {
        lock (this)
        {
            if (!_cancellation!.Token.IsCancellationRequested || !TryClaim()) return;
        }
        Dispatch();
    }

    // The kernel has news: takes note of them.
    private bool TryClaim(uint flags)
    {
        _readable = true;
        if ((flags & Libc.EpollEnd) != 0) _endBehind = true;
        if (TryClaim()) return true;
        if (_endBehind || _completed) LookForEnd();
        return false;
    }

    // Whoever claims the waiting read, and nobody else, ends it.
    private bool TryClaim()
    {
        if (!_waiting) return false;
        _waiting = false;
        _claimed = true;
        return true;
    }

    private void Dispatch() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    private void ThrowIfNotAllowed()
    {
        if (_completed) throw new InvalidOperationException("Reading is not allowed after the reader was completed.");
        if (_lent) throw new InvalidOperationException("Reading is already in progress: call AdvanceTo first.");
        if (_waiting || _claimed) throw new InvalidOperationException("A read is under way already: concurrent reads are not supported.");
    }

    private readonly struct Event(SocketReader reader, uint flags) : ICallback
    {
        public void Run() => reader.Run(isClaimed: false, flags);
    }
}
