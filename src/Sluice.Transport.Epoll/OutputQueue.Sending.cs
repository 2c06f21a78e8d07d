namespace Sluice.Transport.Epoll;

/// <summary>The way of the bytes into the kernel. Everything here runs with the gate held.</summary>
internal sealed unsafe partial class OutputQueue
{
    private const int MaxPieces = 16;

    // The last bytes wait in the kernel for the end of the stream, which follows at once: they leave as one segment with it.
    private int SendFlags => _ended ? Libc.SendNoSignal | Libc.SendMore : Libc.SendNoSignal;

    private Outcome Send()
    {
        _corked = false;
        _sending = true;
        while (_committed > 0)
        {
            var sent = SendPieces(out var offered);
            if (sent < 0)
            {
                if (sent == -Errno.Interrupted) continue;
                if (sent == -Errno.Again) return Block();
                LastError = (int)-sent;
                return Outcome.Failed;
            }
            Consume(sent);
            // A short write has filled the kernel, which will tell when there is room again.
            if (sent < offered) return Block();
        }
        _sending = false;
        return _ended ? Outcome.Finished : Outcome.Taken;
    }

    private Outcome Block()
    {
        _blocked = true;
        return Bound();
    }

    private nint SendPieces(out nint offered)
    {
        var first = (nint)Math.Min(_committed, _head!.End - _start);
        if (first == _committed || _head.NextBlock is null)
        {
            offered = first;
            return Libc.Send(_connection.Descriptor, _head.Address + _start, (nuint)first, SendFlags);
        }
        var pieces = stackalloc Libc.Piece[MaxPieces];
        var count = Gather(pieces, MaxPieces, out offered);
        return SendPieces(pieces, count);
    }

    /// <summary>Sends what is committed, and a piece of somebody else's memory behind it.</summary>
    /// <returns>How much of that piece was sent. What is left of it is the caller's to append; an error comes again then.</returns>
    private int SendBehind(Libc.Piece last)
    {
        var pieces = stackalloc Libc.Piece[MaxPieces];
        var count = Gather(pieces, MaxPieces - 1, out var before);
        if (before < _committed) return 0;
        pieces[count] = last;
        _sending = true;
        nint sent;
        do sent = SendPieces(pieces, count + 1);
        while (sent == -Errno.Interrupted);
        if (sent < 0 && sent != -Errno.Again)
        {
            _sending = false;
            return 0;
        }
        sent = Math.Max(0, sent);
        // A short write has filled the kernel, which will tell when there is room again.
        if (sent < before + (nint)last.Length) _blocked = true;
        else _corked = _sending = false;
        if (before == 0) return (int)sent;
        Consume(Math.Min(sent, before));
        return (int)Math.Max(0, sent - before);
    }

    private int Gather(Libc.Piece* pieces, int most, out nint length)
    {
        var left = _committed;
        var count = 0;
        var start = _start;
        for (var block = _head; block is not null && count < most && left > 0; block = block.NextBlock)
        {
            var part = Math.Min(left, block.End - start);
            if (part > 0) pieces[count++] = new Libc.Piece { Address = block.Address + start, Length = (nuint)part };
            left -= part;
            start = 0;
        }
        length = (nint)(_committed - left);
        return count;
    }

    private nint SendPieces(Libc.Piece* pieces, int count)
    {
        var message = new Libc.MessageHeader { Pieces = pieces, PieceCount = (nuint)count };
        return Libc.SendMessage(_connection.Descriptor, &message, SendFlags);
    }

    private void Consume(nint count)
    {
        _committed -= count;
        while (_head is { } block)
        {
            var available = block.End - _start;
            if (count < available)
            {
                _start += (int)count;
                return;
            }
            count -= available;
            if (block == _tail)
            {
                _little = block.RunningIndex == 0 && _connection.Loop.Memory.IsLittle(block.End);
                Drop();
                return;
            }
            _head = block.NextBlock;
            _start = 0;
            block.Release();
        }
    }

    private void Drop()
    {
        Release(_head);
        _head = _tail = null;
        _start = 0;
        _committed = 0;
    }

    private static void Release(Block? first)
    {
        for (var block = first; block is not null;)
        {
            var next = block.NextBlock;
            block.Release();
            block = next;
        }
    }
}
