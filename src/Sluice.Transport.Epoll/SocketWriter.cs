using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Sluice.Transport.Epoll;

/// <summary>
/// The writing side of a connection: its memory is what the kernel is given. A flush ends at once when the kernel, the end of
/// the turn or the bounded buffer has taken the bytes, and waits while more than the bound is left.
/// </summary>
internal sealed class SocketWriter : PipeWriter, IValueTaskSource<FlushResult>, IThreadPoolWorkItem, ICallback
{
    // From here on a copy costs more than a write of its own.
    private const int DirectSize = 16 * 1024;

    private readonly EpollConnection _connection;
    private readonly OutputQueue _queue;
    private ManualResetValueTaskSourceCore<FlushResult> _source;
    private Cancellation? _cancellation;
    private bool _waiting;
    private bool _cancelRequested;
    private bool _completed;

    public SocketWriter(EpollConnection connection, OutputQueue queue)
    {
        _connection = connection;
        _queue = queue;
    }

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _queue.Unflushed;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ThrowIfCompleted();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        return _queue.GetRoom(sizeHint).FreeMemory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        ThrowIfCompleted();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        return _queue.GetRoom(sizeHint).Free;
    }

    public override void Advance(int bytes)
    {
        ThrowIfCompleted();
        _queue.Advance(bytes);
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ThrowIfCompleted();
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        var rest = source.Span;
        if (rest.Length >= DirectSize) rest = rest[_queue.SendDirect(rest)..];
        while (!rest.IsEmpty)
        {
            var target = _queue.GetRoom(Math.Min(rest.Length, 64 * 1024)).Free;
            var count = Math.Min(target.Length, rest.Length);
            rest[..count].CopyTo(target);
            _queue.Advance(count);
            rest = rest[count..];
        }
        return FlushAsync(cancellationToken);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        var outcome = _queue.Flush();
        if (outcome >= OutputQueue.Outcome.Finished) _connection.OnOutputEnd(outcome);
        if (outcome == OutputQueue.Outcome.Taken && !Volatile.Read(ref _cancelRequested)) return default;
        return Wait(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        lock (_queue)
        {
            _cancelRequested = true;
            if (!TryClaim()) return;
        }
        Dispatch();
    }

    public override void Complete(Exception? exception = null)
    {
        if (_completed) return;
        _completed = true;
        if (exception is not null)
        {
            _connection.Close(exception);
            return;
        }
        var outcome = _queue.Finish();
        if (outcome >= OutputQueue.Outcome.Finished) _connection.OnOutputEnd(outcome);
    }

    /// <summary>The kernel has room, or is done with the connection. Called on the loop's thread.</summary>
    /// <returns>Whether the turn is still the calling thread's.</returns>
    public bool OnWritable(Turn turn)
    {
        if (!_queue.WaitsForRoom) return true;
        var outcome = _queue.Resume();
        if (outcome >= OutputQueue.Outcome.Finished) _connection.OnOutputEnd(outcome);
        lock (_queue)
        {
            if (_queue.IsOver(_connection.ResumeWriteSize) || !TryClaim()) return true;
        }
        if (_connection.RunsInline) return turn.Call(this);
        Dispatch();
        return true;
    }

    /// <summary>Nothing will be sent any more.</summary>
    public void OnClosed()
    {
        lock (_queue)
        {
            if (!TryClaim()) return;
        }
        Dispatch();
    }

    public void Run()
    {
        FlushResult result;
        CancellationToken token = default;
        CancellationTokenRegistration registration = default;
        lock (_queue)
        {
            if (_cancellation is not null)
            {
                token = _cancellation.Token;
                registration = _cancellation.Take();
            }
            result = TakeResult();
        }
        registration.Dispose();
        if (token.IsCancellationRequested && !result.IsCompleted) _source.SetException(new OperationCanceledException(token));
        else _source.SetResult(result);
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    void IThreadPoolWorkItem.Execute()
    {
        var turn = Turn.BeginOnPool();
        Run();
        turn.EndOnPool();
    }

    private ValueTask<FlushResult> Wait(CancellationToken cancellationToken)
    {
        short version;
        lock (_queue)
        {
            if (_queue.IsClosed || _cancelRequested || !_queue.IsOver(_connection.MaxWriteBufferSize)) return new(TakeResult());
            if (_waiting) throw new InvalidOperationException("A flush is under way already: concurrent flushes are not supported.");
            _source.Reset();
            version = _source.Version;
            if (cancellationToken.CanBeCanceled) Register(cancellationToken);
            _waiting = true;
            if (cancellationToken.IsCancellationRequested && TryClaim()) Dispatch();
        }
        return new ValueTask<FlushResult>(this, version);
    }

    // Before the flush waits, so that whoever ends it finds the registration.
    private void Register(CancellationToken cancellationToken)
        => (_cancellation ??= new Cancellation()).Register(static writer => ((SocketWriter)writer!).OnTokenCanceled(), this, cancellationToken);

    private void OnTokenCanceled()
    {
        lock (_queue)
        {
            if (!_cancellation!.Token.IsCancellationRequested || !TryClaim()) return;
        }
        Dispatch();
    }

    // Whoever claims the waiting flush, and nobody else, ends it.
    private bool TryClaim()
    {
        if (!_waiting) return false;
        _waiting = false;
        return true;
    }

    private FlushResult TakeResult()
    {
        var canceled = _cancelRequested;
        _cancelRequested = false;
        return new FlushResult(canceled, _queue.IsClosed);
    }

    private void Dispatch() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    private void ThrowIfCompleted()
    {
        if (_completed) throw new InvalidOperationException("Writing is not allowed after the writer was completed.");
    }
}
