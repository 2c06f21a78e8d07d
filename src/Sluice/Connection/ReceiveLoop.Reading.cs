using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Sluice;

/// <summary>Where the loop gets its bytes, and the turns in which it works them off.</summary>
internal sealed partial class ReceiveLoop : IThreadPoolWorkItem
{
    // A peer that sends without pause does not keep a thread for itself, nor a constructor from returning.
    private const int MaxReadsInTurn = 32;

    private readonly Action _onRead;
    private ValueTask<ReadResult> _read; // under way; while it is worked off, what it gave
    private SequencePosition _next;
    private ReadOnlyMemory<byte> _segment;
    private int _offset;
    private int _reads;
    private bool _hasBuffer;
    private bool _inputEnded;
    private bool _onTransport; // the turn was begun by a callback of the transport's
    private bool _tellsRan;
    private volatile bool _reading;
    private volatile int _turn; // the thread of the turn under way, 0 for none

    /// <summary>Whether a read is under way, so that what the peer sends is seen at once.</summary>
    public bool IsListening => _reading;

    /// <summary>Whether the caller runs inside a turn that has more bytes to work off, and will flush after them.</summary>
    public bool IsCorked => _turn is var turn and not 0 && turn == Environment.CurrentManagedThreadId && _offset < _segment.Length;

    /// <returns>Whether there is something to go on with.</returns>
    private bool Read()
    {
        if (_hasBuffer)
        {
            if (_read.Result.Buffer.TryGet(ref _next, out _segment))
            {
                _offset = 0;
                return true;
            }
            ReleaseBuffer();
            if (_inputEnded)
            {
                _phase = _phase >= Phase.Linger ? Phase.Done : Phase.Ending;
                return true;
            }
        }
        if (_phase == Phase.PassRest) return ReadRest();
        // A connection that has failed reads on whatever the peer reads: else both might wait for each other.
        return _handler is null || _phase >= Phase.Linger ? ReadNow() : FlushAndRead();
    }

    // Whether the transport can read on behind these bytes, up to so many in one piece. It keeps them meanwhile: they are to fill
    // a good part of it, or few bytes would hold much memory.
    private bool HasRoomBehind(long whole)
    {
        if (_inputEnded || _next.GetObject() is not null || !MemoryMarshal.TryGetArray(_segment, out var piece)) return false;
        var size = piece.Array!.Length;
        return piece.Offset + _offset + whole <= size && (_segment.Length - _offset) * 4L >= size;
    }

    private bool ReadRestOfPayload()
    {
        Count();
        var buffer = _read.Result.Buffer;
        var start = buffer.GetPosition(buffer.Length - (_segment.Length - _offset));
        var end = buffer.End;
        ForgetBuffer();
        _input.AdvanceTo(start, end);
        return FlushAndRead();
    }

    // A handler that echoes into a peer that does not read must stop reading, too. Whoever receives by calls waits
    // for its own sends, and may depend on reading while they are stuck.
    private bool FlushAndRead()
    {
        var flush = _connection.Sender.UncorkAsync();
        if (!flush.IsCompleted) return Suspend(flush);
        // The sender has reported a loss; what the peer sent before is read all the same.
        if (!flush.IsCompletedSuccessfully) Observe(flush);
        return ReadNow();
    }

    private bool ReadNow()
    {
        _connection.Sender.Uncork();
        _read = _input.ReadAsync(CancellationToken.None);
        if (!_read.IsCompleted)
        {
            _reads = 0;
            _reading = true;
            _read.GetAwaiter().UnsafeOnCompleted(_onRead);
            return false;
        }
        if (++_reads < MaxReadsInTurn) return TakeRead();
        _reads = 0;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return false;
    }

    private bool TakeRead()
    {
        var result = _read.Result;
        _reading = false;
        return Take(result);
    }

    private bool Take(ReadResult result)
    {
        _read = new ValueTask<ReadResult>(result);
        _next = result.Buffer.Start;
        _segment = default;
        _offset = 0;
        _hasBuffer = true;
        _inputEnded = result.IsCompleted;
        if (!result.Buffer.IsEmpty) _connection.KeepAlive.OnBytes();
        return true;
    }

    private void ReleaseBuffer()
    {
        if (!_hasBuffer) return;
        Count();
        var end = _read.Result.Buffer.End;
        ForgetBuffer();
        _input.AdvanceTo(end);
    }

    private void ForgetBuffer()
    {
        _hasBuffer = false;
        _read = default;
        _next = default;
        _segment = default;
        _offset = 0;
    }

    void IThreadPoolWorkItem.Execute() => GoOn();

    // A thread of the transport's own serves other connections, too: whose code blocks is not to stand in their way.
    private void OnRead()
    {
        if (_options.RunInline || Thread.CurrentThread.IsThreadPoolThread) GoOn();
        else ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void GoOn()
    {
        var outer = BeginTurn();
        _onTransport = true;
        try
        {
            TakeRead();
        }
        catch (Exception e)
        {
            _reading = false;
            _connection.OnInputLost(e);
            _phase = Phase.Done;
        }
        Pump();
        EndTurn(outer);
        if (_tellsRan) _connection.TellRan();
    }

    /// <summary>The transport is released: inside a turn that it began itself, its end tells.</summary>
    public bool TryTellAtTurnEnd()
    {
        if (!_onTransport || _turn != Environment.CurrentManagedThreadId) return false;
        return _tellsRan = true;
    }

    /// <returns>The execution context to go back to.</returns>
    private ExecutionContext? BeginTurn()
    {
        _turn = Environment.CurrentManagedThreadId;
        _onTransport = false;
        return EnterHandlerContext();
    }

    private void EndTurn(ExecutionContext? outer)
    {
        if (outer is not null) ExecutionContext.Restore(outer);
        if (_turn == Environment.CurrentManagedThreadId) _turn = 0;
        _connection.Sender.Uncork();
    }
}
