namespace Sluice.Transport.Epoll;

/// <summary>
/// Bytes on their way out: written by one producer, sent by whoever flushes, by the end of a turn, or by the loop when a full
/// kernel has room again. What is written and not flushed is the producer's alone, and needs no lock. One thread at a time is in
/// the kernel; the lock, which is the object itself, is never held while anybody's code runs.
/// </summary>
internal sealed unsafe partial class OutputQueue
{
    // A turn writes more than this in between.
    private const int CorkLimit = 64 * 1024;

    private readonly EpollConnection _connection;
    private Block? _first; // what the producer writes
    private Block? _last;
    private int _unflushed; // in these
    private Block? _head; // what is sent
    private Block? _tail;
    private int _start; // in the head: what is before it is sent
    private long _committed; // flushed and not sent
    private bool _little; // was written the last time
    private bool _corked;
    private bool _blocked; // the kernel is full
    private volatile bool _sending; // in the kernel, or blocked
    private bool _ended; // the producer is done
    private bool _closed;

    public OutputQueue(EpollConnection connection) => _connection = connection;

    /// <summary>What became of a step.</summary>
    public enum Outcome
    {
        /// <summary>Sent, corked, or held within the bounds.</summary>
        Taken,

        /// <summary>More waits than the bound allows.</summary>
        Full,

        /// <summary>The connection is closed; the bytes are gone.</summary>
        Closed,

        /// <summary>The last byte is sent, and the producer is done: the connection has to be closed.</summary>
        Finished,

        /// <summary>The kernel has refused: the connection has to be closed.</summary>
        Failed,
    }

    public int LastError { get; private set; }

    public long Unflushed => _unflushed;

    public bool IsClosed => _closed;

    /// <summary>Where the producer writes next; the same, until it advances: Kestrel asks twice and expects that.</summary>
    public Block GetRoom(int sizeHint)
    {
        var wanted = Math.Max(sizeHint, 1);
        if (_last is not { } last)
        {
            _first = _last = _connection.Loop.Memory.RentForWriting(wanted, _little);
        }
        else if (last.Room < wanted)
        {
            _last = _connection.Loop.Memory.RentForWritingMore(wanted);
            last.Append(_last);
        }
        return _last;
    }

    public void Advance(int count)
    {
        if (count < 0 || count > (_last?.Room ?? 0))
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "More than the memory that was handed out.");
        }
        if (count == 0) return;
        _last!.Advance(count);
        _unflushed += count;
    }

    /// <summary>What was written may be sent.</summary>
    public Outcome Flush()
    {
        lock (this)
        {
            Commit();
            if (_closed) return Outcome.Closed;
            if (_committed == 0) return Outcome.Taken;
            if (_blocked) return Bound();
            if (_committed < Math.Min(CorkLimit, _connection.MaxWriteBufferSize) && (_corked || TryCork())) return Bound();
            return Send();
        }
    }

    /// <summary>Writes a large piece past the buffers, in one call with what was written before it, unless the kernel is full.</summary>
    /// <returns>How much of it was sent.</returns>
    public int SendDirect(ReadOnlySpan<byte> bytes)
    {
        lock (this)
        {
            Commit();
            if (_closed || _blocked) return 0;
            fixed (byte* address = bytes) return SendBehind(new Libc.Piece { Address = address, Length = (nuint)bytes.Length });
        }
    }

    /// <summary>The end of a turn.</summary>
    public void Uncork()
    {
        Outcome outcome;
        lock (this)
        {
            if (!_corked) return;
            _corked = false;
            outcome = _closed || _blocked ? Outcome.Taken : Send();
        }
        if (outcome >= Outcome.Finished) _connection.OnOutputEnd(outcome);
    }

    /// <summary>Whether an event that says that the kernel has room is news.</summary>
    public bool WaitsForRoom => _sending;

    /// <summary>The kernel has room.</summary>
    public Outcome Resume()
    {
        lock (this)
        {
            if (_closed) return Outcome.Closed;
            _blocked = false;
            return Send();
        }
    }

    /// <summary>The producer is done. What it wrote still leaves.</summary>
    public Outcome Finish()
    {
        lock (this)
        {
            Commit();
            _ended = true;
            if (_closed) return Outcome.Closed;
            return _blocked ? Outcome.Taken : Send();
        }
    }

    /// <summary>Gives up what has not been sent. Afterwards the descriptor is not used from here any more.</summary>
    public void Close()
    {
        lock (this)
        {
            _closed = true;
            _blocked = _sending = _corked = false;
            Drop(); // what the producer has got, it may still write into; its next flush lets go of it
        }
    }

    /// <summary>Whether a flush has to wait.</summary>
    public bool IsOver(long bound) => _committed > 0 && _committed >= bound;

    private void Commit()
    {
        if (_first is not { } first) return;
        if (_unflushed == 0 || _closed)
        {
            Release(first);
        }
        else if (_tail is null)
        {
            (_head, _tail, _start) = (first, _last, 0);
        }
        else if (first == _last && first.End <= _tail.Room)
        {
            // Many small flushes that the kernel does not take hold no more memory than they need.
            first.Written.CopyTo(_tail.Free);
            _tail.Advance(first.End);
            first.Release();
        }
        else
        {
            _tail.Append(first);
            _tail = _last;
        }
        if (!_closed) _committed += _unflushed;
        _unflushed = 0;
        _first = _last = null;
    }

    private bool TryCork() => _connection.BatchesWrites && Turn.Current is { } turn && (_corked = turn.TryCork(this));

    private Outcome Bound()
        => IsOver(_connection.MaxWriteBufferSize) ? Outcome.Full : Outcome.Taken;
}
