using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Sluice.Transport.Epoll;

/// <summary>
/// A connected socket. It ends as Kestrel's own transport ends one: the end of the peer's bytes cancels
/// <see cref="ConnectionClosed"/> and leaves the writing side alone; the end of the output closes the socket; an abort, or an
/// output that ends with an error, resets it.
/// </summary>
internal sealed partial class EpollConnection : ConnectionContext, IEventTarget, IDisposable
{
    private readonly EpollTransport _transport;
    private readonly SocketReader _reader;
    private readonly SocketWriter _writer;
    private readonly OutputQueue _output;
    private readonly ulong _token;
    private CancellationTokenSource? _closedSource;
    private TaskCompletionSource? _done;
    private string? _id;
    private int _closing;
    private int _firing;
    private volatile bool _fired;
    private volatile bool _isClosed;

    public EpollConnection(EpollTransport transport, EventLoop loop, int descriptor, EndPoint? local, EndPoint? remote)
    {
        _transport = transport;
        Loop = loop;
        Descriptor = descriptor;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        Scheduling = transport.Options.Scheduling;
        _output = new OutputQueue(this);
        _writer = new SocketWriter(this, _output);
        _reader = new SocketReader(this);
        Transport = this;
        _token = loop.Watch(descriptor, this);
    }

    public EventLoop Loop { get; }

    public int Descriptor { get; }

    public uint Generation { get; set; }

    public bool RunsInline => Loop.Trust.Allows(_scheduling);

    public bool BatchesWrites => _transport.Options.BatchWrites;

    public long MaxWriteBufferSize => _transport.MaxWriteBufferSize;

    public long ResumeWriteSize => _transport.MaxWriteBufferSize / 2;

    public long MaxReadBufferSize => _transport.MaxReadBufferSize;

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public override IDuplexPipe Transport { get; set; }

    public override string ConnectionId
    {
        get => _id ??= ConnectionNames.Next();
        set => _id = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => field.CanBeCanceled ? field : field = ClosedToken();
        set;
    }

    public static ConnectionResetException ToReset(int error)
    {
        var cause = Errno.ToException(error);
        return new ConnectionResetException(cause.Message, cause);
    }

    public bool OnEvent(uint flags, Turn turn)
    {
        var mine = true;
        if ((flags & (Libc.EpollOut | Libc.EpollError | Libc.EpollHangUp)) != 0) mine = _writer.OnWritable(turn);
        if ((flags & (Libc.EpollIn | Libc.EpollEnd)) != 0) mine &= _reader.OnReadable(flags, mine ? turn : null);
        return mine;
    }

    public override void Abort(ConnectionAbortedException abortReason) => Close(abortReason);

    public void OnInputEnd(Exception? error)
    {
        if (error is null) Log.ReadEnd(_transport.Logger, this);
        else if (_closing == 0) Log.Reset(_transport.Logger, this, error.Message);
        FireClosed();
    }

    public void OnOutputEnd(OutputQueue.Outcome outcome)
    {
        if (outcome == OutputQueue.Outcome.Failed) Close(ToReset(_output.LastError));
        else if (outcome == OutputQueue.Outcome.Finished) Close(reason: null);
    }

    /// <summary>Closes the socket.</summary>
    /// <param name="reason">What readers are told; a reset tells the peer. <see langword="null"/> after a complete output.</param>
    public void Close(Exception? reason)
    {
        if (Interlocked.Exchange(ref _closing, 1) != 0) return;
        var told = reason ?? new ConnectionAbortedException("The connection was closed: its output was completed and sent.");
        if (reason is null) Log.WriteEnd(_transport.Logger, this);
        else Log.WriteReset(_transport.Logger, this, reason.Message);

        // After these two nobody is in the kernel with the descriptor, nor will be.
        _output.Close();
        _reader.OnClosed(told, isOrderly: reason is null);
        Loop.Forget(_token);
        if (reason is not null) Libc.ResetOnClose(Descriptor);
        // Closed with bytes unread, a socket sends a reset in place of its end, and more may come at any time: the end goes first.
        else if (!_reader.IsAtEnd) _ = Libc.Shutdown(Descriptor, Libc.ShutdownBoth);
        _ = Libc.Close(Descriptor);
        _writer.OnClosed();
        _isClosed = true;
        FireClosed();
        TryEnd();
    }

    /// <summary>Cancels <see cref="ConnectionClosed"/>, once, on a thread of the pool; at once when nobody has asked for it.</summary>
    public void FireClosed()
    {
        if (Interlocked.Exchange(ref _firing, 1) != 0) return;
        lock (_output) _fired = _closedSource is null;
        if (_fired) TryEnd();
        else ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.CancelClosed(), this, preferLocal: false);
    }

    /// <summary>Completes both sides, and waits until what was written is sent and the socket closed.</summary>
    public override async ValueTask DisposeAsync()
    {
        _reader.Complete();
        _writer.Complete();
        if (!_isClosed || !_fired)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            done = Interlocked.CompareExchange(ref _done, done, comparand: null) ?? done;
            TryEnd();
            await done.Task.ConfigureAwait(false);
        }
        _closedSource?.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The transport ends with the connection still open.</summary>
    public void Dispose() => Abort(new ConnectionAbortedException("The transport was disposed."));

    private void CancelClosed()
    {
        CancellationTokenSource? source;
        lock (_output)
        {
            _fired = true;
            source = _closedSource;
        }
        try
        {
            source?.Cancel();
        }
        catch (Exception e)
        {
            Log.CallbackFailed(_transport.Logger, this, e);
        }
        TryEnd();
    }

    // Most connections are asked for it, some never.
    private CancellationToken ClosedToken()
    {
        lock (_output)
        {
            if (_fired && _closedSource is null) return new CancellationToken(canceled: true);
            return (_closedSource ??= new CancellationTokenSource()).Token;
        }
    }

    private void TryEnd()
    {
        if (_isClosed && _fired) Volatile.Read(ref _done)?.TrySetResult();
    }
}
