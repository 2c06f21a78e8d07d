using System.IO.Pipelines;
using System.Runtime.ExceptionServices;

namespace Sluice.Transport.Epoll;

/// <summary>The way of the bytes out of the kernel. Everything here runs with the gate held.</summary>
internal sealed unsafe partial class SocketReader
{
    private bool TryTake(out ReadResult result)
    {
        if (_error is null && _readable && !_held.HasNews && !_ended && !_cancelRequested) Receive();
        if (_error is not null) ExceptionDispatchInfo.Throw(_error);
        if (!_held.HasNews && !_ended && !_cancelRequested)
        {
            result = default;
            return false;
        }
        result = new ReadResult(_held.Sequence, _cancelRequested, _ended);
        _cancelRequested = false;
        _lent = true;
        return true;
    }

    private void Receive()
    {
        var block = _held.Prepare();
        if (_closed)
        {
            TakeSaved(block);
            return;
        }
        _readable = false;
        nint count;
        do count = Libc.Receive(_connection.Descriptor, block.Address + block.End, (nuint)block.Room, 0);
        while (count == -Errno.Interrupted);
        if (count > 0)
        {
            if (_held.Commit((int)count) || _endBehind) _readable = true;
            if (_endBehind) LookForEnd();
            return;
        }
        _held.Rollback();
        if (count == 0) End(error: null);
        else if (count != -Errno.Again) End(EpollConnection.ToReset((int)-count));
    }

    // Nobody reads, but the end must be seen: at once when nobody will, else when little enough is before it.
    private void LookForEnd()
    {
        if (_closed || _ended || _error is not null) return;
        if (!_waiting && !_claimed && Libc.TakeError(_connection.Descriptor) is var error and not 0) End(EpollConnection.ToReset(error));
        else if (_completed || Libc.CountReadable(_connection.Descriptor) <= _connection.MaxReadBufferSize)
        {
            _endNoticed = true;
            _connection.FireClosed();
        }
    }

    // The connection closes while nobody has read all that came before the peer's end: as ConnectionClosed may be why, this is kept.
    // It is no more than MaxReadBufferSize, or the end would not have been noticed.
    private void SaveRest()
    {
        if (_ended || _completed || _error is not null) return;
        _saved = SavedBytes.Receive(_connection.Descriptor, out var error);
        if (error != 0) _error = EpollConnection.ToReset(error);
        _readable = true;
    }

    private void TakeSaved(Block block)
    {
        if (_saved?.MoveTo(block.Free) is { } count and > 0)
        {
            _held.Commit(count);
            return;
        }
        _saved = null;
        _held.Rollback();
        End(error: null);
    }

    private void End(Exception? error)
    {
        if (error is null) _ended = true;
        else _error = error;
        _connection.OnInputEnd(error);
    }
}
