using System.Buffers;

namespace Sluice.Transport.Epoll;

/// <summary>Bytes that were received and not consumed yet. Not thread-safe. Holds no memory while it is empty.</summary>
internal struct HeldBytes
{
    // What is left over in a block that is mostly empty is moved to a smaller one when the connection has to wait.
    private const int Sparse = 8;

    private readonly LoopMemory _memory;
    private Block? _head;
    private Block? _tail;
    private int _start; // in the head
    private bool _bulk;

    public HeldBytes(LoopMemory memory) => _memory = memory;

    /// <summary>Bytes not consumed.</summary>
    public long Length { get; private set; }

    /// <summary>How many of these the reader has looked at.</summary>
    public long Examined { get; private set; }

    public readonly bool HasNews => Length > Examined;

    public readonly ReadOnlySequence<byte> Sequence
        => _head is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_head, _start, _tail!, _tail!.End);

    /// <summary>Memory to receive into: behind what is held, in one piece with it where that costs little.</summary>
    public Block Prepare()
    {
        if (_tail is null)
        {
            _head = _tail = _memory.RentForReading(_bulk);
            _start = 0;
            return _tail;
        }
        if (_head == _tail && _tail.Size > 4096 && _tail.Room >= _tail.Size / 4) return _tail;
        var next = _memory.RentForReading(_bulk || Length > 2048);
        if (_head == _tail && Length <= next.Size / Sparse)
        {
            MoveTo(next);
            return next;
        }
        if (_tail.Room >= 4096)
        {
            next.Release();
            return _tail;
        }
        _tail.Append(next);
        return _tail = next;
    }

    /// <summary>Takes note of what was received into <see cref="Prepare"/>'s block.</summary>
    /// <returns>Whether the block is full, so that more may wait in the kernel.</returns>
    public bool Commit(int count)
    {
        var room = _tail!.Room;
        if (count == room) _bulk = true;
        else if (_tail.End == 0 && count < _tail.Size / Sparse) _bulk = false;
        _tail.Advance(count);
        _tail.Show();
        Length += count;
        return count == room;
    }

    /// <summary>Nothing came: the block that was prepared is given back when it is empty.</summary>
    public void Rollback()
    {
        if (Length == 0) Clear();
    }

    /// <exception cref="InvalidOperationException">The positions are not those of bytes held, in their order.</exception>
    public void Advance(SequencePosition consumed, SequencePosition examined)
    {
        var consumedCount = CountTo(consumed);
        var examinedCount = CountTo(examined);
        if (consumedCount < 0 || consumedCount > Length || examinedCount < consumedCount || examinedCount > Length)
        {
            throw new InvalidOperationException("The examined position must not be before the consumed one, and both must lie in the buffer that was read.");
        }
        Consume(consumedCount);
        Examined = examinedCount - consumedCount;
    }

    /// <summary>Moves little that is left in much memory into little memory.</summary>
    public void Compact()
    {
        if (_head is null || _head != _tail || _head.Size <= 4096 || Length > _head.Size / Sparse) return;
        MoveTo(_memory.RentAtLeast((int)Length));
    }

    public void Clear()
    {
        for (var block = _head; block is not null;)
        {
            var next = block.NextBlock;
            block.Release();
            block = next;
        }
        _head = _tail = null;
        _start = 0;
        Length = Examined = 0;
    }

    private void MoveTo(Block target)
    {
        var old = _head!;
        old.Written[_start..].CopyTo(target.Free);
        target.Advance((int)Length);
        target.Show();
        old.Release();
        _head = _tail = target;
        _start = 0;
    }

    private readonly long CountTo(SequencePosition position)
    {
        if (_head is null || position.GetObject() is null) return 0;
        return position.GetObject() is Block block
            ? block.RunningIndex + position.GetInteger() - (_head.RunningIndex + _start)
            : -1;
    }

    private void Consume(long count)
    {
        Length -= count;
        if (Length == 0)
        {
            Clear();
            return;
        }
        while (count > 0)
        {
            var available = _head!.End - _start;
            if (count < available)
            {
                _start += (int)count;
                return;
            }
            count -= available;
            var next = _head.NextBlock!;
            _head.Release();
            _head = next;
            _start = 0;
        }
    }
}
