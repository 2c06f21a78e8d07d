using System.Buffers;
using System.IO.Pipelines;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// Where many senders become one stream of frames: whole messages and control frames in the order they were
/// accepted, fragments of a streamed message kept together (RFC 6455 §5.4), nothing after a close frame (§5.5.1),
/// and no more waiting for a slow reader than the limit allows.
/// </summary>
internal sealed partial class SendQueue : FrameOutput
{
    // Replies to pings that may wait; beyond it only the newest is kept (RFC 6455 §5.5.3 allows it).
    private const int PendingControlLimit = 4096;

    private readonly WebSocketConnection _connection;
    private readonly bool _masks;
    private readonly ConnectionOptions _options;
    private readonly MessageDeflater? _deflater; // null without permessage-deflate
    private MessageWriter? _stream;
    private byte[]? _newestPong;
    private volatile SendLine? _line; // null until somebody has to wait
    private bool _closeQueued;
    private Uncounted _uncounted; // in what is not flushed yet

    public SendQueue(
        PipeWriter writer, WebSocketConnection connection, Role role, ConnectionOptions options, MessageDeflater? deflater)
        : base(writer, TimerWheel.For(options.TimeProvider))
    {
        _connection = connection;
        _masks = role == Role.Client;
        _options = options;
        _deflater = deflater;
    }

    private enum Accepted
    {
        Yes,
        NoRoom,
        Closed,
    }

    /// <summary>Sends a whole message: done when the transport has taken it, at once when corked.</summary>
    public ValueTask SendAsync(Opcode opcode, ReadOnlyMemory<byte> payload, bool corked, CancellationToken cancellation)
        => SendAsync(new Outgoing(opcode, payload, Fin: true, Stream: null), corked, cancellation);

    /// <summary>As <see cref="SendAsync(Opcode, ReadOnlyMemory{byte}, bool, CancellationToken)"/>, but never compressed.</summary>
    public ValueTask SendPlainAsync(Opcode opcode, ReadOnlyMemory<byte> payload, bool corked, CancellationToken cancellation)
        => SendAsync(new Outgoing(opcode, payload, Fin: true, Stream: null, IsPlain: true), corked, cancellation);

    public ValueTask SendAsync(PreparedMessage message, bool corked, CancellationToken cancellation)
        => SendAsync(Prepare(message), corked, cancellation);

    /// <param name="stream">Whose turn it is.</param>
    /// <param name="opcode">That of the message for its first fragment.</param>
    /// <param name="payload">The fragment's.</param>
    /// <param name="fin">Whether the message ends with it.</param>
    /// <param name="cancellation">Heeded until it is accepted.</param>
    /// <param name="isPlain">Never compressed; the same for all fragments of a message.</param>
    public ValueTask SendFragmentAsync(
        MessageWriter stream, Opcode opcode, ReadOnlyMemory<byte> payload, bool fin, CancellationToken cancellation, bool isPlain = false)
        => SendAsync(new Outgoing(opcode, payload, fin, stream, IsPlain: isPlain), corked: false, cancellation);

    /// <summary>Takes a message without ever waiting. <see langword="false"/>: no room, or closed.</summary>
    public bool TrySend(Opcode opcode, ReadOnlyMemory<byte> payload, bool corked)
        => TrySend(new Outgoing(opcode, payload, Fin: true, Stream: null), corked);

    public bool TrySend(PreparedMessage message, bool corked) => TrySend(Prepare(message), corked);

    /// <summary>Queues a ping or pong. Never waits; dropped after a close frame.</summary>
    public void SendControl(Opcode opcode, ReadOnlySpan<byte> payload, bool corked)
    {
        bool drive;
        lock (this)
        {
            if (_closeQueued || IsLost) return;
            if (opcode == Opcode.Pong && PendingLength > PendingControlLimit)
            {
                _newestPong = payload.ToArray();
                return;
            }
            if (opcode == Opcode.Pong) _newestPong = null; // the one that waits is older: it must not follow this one
            Write(opcode, payload, fin: true);
            Commit(payload.Length + FrameHeader.MaxSize, corked, out drive);
        }
        if (drive) DriveFlush();
    }

    /// <summary>Queues the close frame, the last frame of all. <see langword="false"/>: there was one before, or the transport is gone.</summary>
    public bool TrySendClose(ReadOnlySpan<byte> payload)
    {
        bool drive;
        lock (this)
        {
            if (_closeQueued || IsLost) return false;
            Write(Opcode.Close, payload, fin: true);
            _closeQueued = true;
            Commit(payload.Length + FrameHeader.MaxSize, corked: false, out drive);
        }
        if (drive) DriveFlush();
        SignalClosed();
        return true;
    }

    /// <summary>Takes no more frames; what is queued still leaves.</summary>
    public void Stop()
    {
        lock (this) _closeQueued = true;
        SignalClosed();
    }

    /// <summary>Flushes what a turn of the receive loop left unflushed.</summary>
    public void Uncork()
    {
        if (!HasUnflushed) return; // what this thread's turn wrote is seen by this thread
        bool drive;
        lock (this) Uncork(out drive);
        if (drive) DriveFlush();
    }

    /// <summary>As <see cref="Uncork"/>; the result is done when the transport has taken everything, faulted when it is gone.</summary>
    public ValueTask UncorkAsync()
    {
        if (IsIdle) return default; // another thread's flush that is not seen yet is seen before the next read
        long ticket;
        bool drive;
        lock (this) ticket = Uncork(out drive);
        if (drive) DriveFlush();
        return WaitFor(ticket);
    }

    /// <summary>Takes the turn of data frames for a streamed message.</summary>
    public async ValueTask BeginStreamAsync(MessageWriter stream, CancellationToken cancellation)
    {
        SendLine.Place place;
        using (EnterData())
        {
            if (TryBeginStream(stream, place: null)) return;
            place = Line().Join(fragment: false);
        }
        while (true)
        {
            await WaitInLineAsync(place, cancellation).ConfigureAwait(false);
            using (EnterData())
            {
                if (_closeQueued || IsLost || TryBeginStream(stream, place)) _line!.Leave(place);
                else place.Rearm();
                if (_stream == stream) return;
                if (place.Node is null) throw ClosedException();
            }
        }
    }

    /// <summary>Gives the turn of data frames back, when the final fragment has not done so.</summary>
    public void EndStream(MessageWriter stream)
    {
        using (EnterData())
        {
            if (_stream != stream) return;
            _deflater?.EndParts();
            _stream = null;
            _line?.Signal();
        }
    }

    private Outgoing Prepare(PreparedMessage message) => new(
        message.Type.ToOpcode(), message.Payload, Fin: true, Stream: null, _masks ? null : message, IsPrepared: true, _deflater?.Prepare(message));

    private ValueTask SendAsync(in Outgoing message, bool corked, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled(cancellation);
        long ticket;
        bool drive;
        ReadOnlyMemory<byte> direct;
        SendLine.Place? place = null;
        using (EnterData())
        {
            switch (TryPut(message, place: null, corked, lent: true, out ticket, out drive, out direct))
            {
                case Accepted.Closed: return ValueTask.FromException(ClosedException());
                case Accepted.NoRoom:
                    place = Line().Join(message.Stream is not null);
                    break;
            }
        }
        if (place is not null) return SendInLineAsync(message, place, cancellation);
        if (drive) DriveFlush(direct);
        return WaitFor(ticket);
    }

    private async ValueTask SendInLineAsync(Outgoing message, SendLine.Place place, CancellationToken cancellation)
    {
        while (true)
        {
            await WaitInLineAsync(place, cancellation).ConfigureAwait(false);
            long ticket;
            bool drive;
            ReadOnlyMemory<byte> direct;
            using (EnterData())
            {
                var accepted = TryPut(message, place, corked: false, lent: true, out ticket, out drive, out direct);
                if (accepted == Accepted.NoRoom)
                {
                    place.Rearm();
                    continue;
                }
                _line!.Leave(place);
                if (accepted == Accepted.Closed) throw ClosedException();
            }
            if (drive) DriveFlush(direct);
            await WaitFor(ticket).ConfigureAwait(false);
            return;
        }
    }

    private async Task WaitInLineAsync(SendLine.Place place, CancellationToken cancellation)
    {
        try
        {
            await place.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lock (this) _line!.Leave(place);
            throw;
        }
    }

    private bool TrySend(in Outgoing message, bool corked)
    {
        bool drive;
        using (EnterData())
        {
            if (TryPut(message, place: null, corked, lent: false, out _, out drive, out _) != Accepted.Yes) return false;
        }
        if (drive) DriveFlush();
        return true;
    }

    private bool TryBeginStream(MessageWriter stream, SendLine.Place? place)
    {
        if (_closeQueued || IsLost)
        {
            if (place is null) throw ClosedException();
            return false;
        }
        if (_stream is not null || !IsTurnOf(place)) return false;
        _stream = stream;
        return true;
    }

    // What is lent stays as it is until the flush has ended: large, it need not be copied, and is handed back as direct.
    private Accepted TryPut(
        in Outgoing message, SendLine.Place? place, bool corked, bool lent, out long ticket, out bool drive, out ReadOnlyMemory<byte> direct)
    {
        ticket = 0;
        drive = false;
        direct = default;
        if (_closeQueued || IsLost) return Accepted.Closed;
        // §5.4: the fragments of one message are not interleaved with another's frames.
        if (_stream != message.Stream) return Accepted.NoRoom;
        if (message.Stream is null && !IsTurnOf(place)) return Accepted.NoRoom;
        var size = (long)message.Payload.Length + FrameHeader.MaxSize;
        if (PendingLength > 0 && (PendingLength + size > _options.SendQueueLimit || PendingFrames >= _options.SendQueueMessages)) return Accepted.NoRoom;

        if (_deflater is null && lent && !corked && !_masks && TakesDirect(message.Payload.Length)) direct = message.Payload;
        if (!direct.IsEmpty) WriteHeader(message);
        else if (_deflater is null) Write(message);
        else if (!TryWriteDeflated(_deflater, message)) return Accepted.Closed;
        _uncounted.Add(message.Payload.Length, message.Fin);
        if (_options.EndsIdle) _connection.KeepAlive.OnMessage();
        drive = !direct.IsEmpty;
        ticket = drive ? CommitDirect() : Commit((int)Math.Min(int.MaxValue / 2, size), corked, out drive);
        if (message is { Stream: not null, Fin: true })
        {
            _stream = null;
            _line?.Signal();
        }
        if (!HasUnflushed) Count();
        return Accepted.Yes;
    }

    private void Count()
    {
        if (_uncounted.TryTake(out var messages, out var bytes)) _options.Metrics.Sent(messages, bytes);
    }

    private bool IsTurnOf(SendLine.Place? place)
        => _line is not { } line || (place is null ? line.IsEmpty : line.IsFirst(place));

    private void Write(in Outgoing message)
    {
        if (message.Prepared is { } prepared) Copy(prepared.ServerFrame);
        else Write(message.Opcode, message.Payload.Span, message.Fin);
    }

    private void WriteHeader(in Outgoing message)
    {
        try
        {
            var target = Target;
            target.Advance(new FrameHeader(message.Opcode, message.Payload.Length, message.Fin).Write(target.GetSpan(FrameHeader.MaxSize)));
        }
        catch (Exception e)
        {
            Break(e);
        }
    }

    private void Copy(ReadOnlySpan<byte> frame)
    {
        try
        {
            Target.Write(frame);
        }
        catch (Exception e)
        {
            Break(e);
        }
    }

    private void Write(Opcode opcode, ReadOnlySpan<byte> payload, bool fin, ReservedBits reserved = ReservedBits.None)
    {
        try
        {
            FrameWriter.Write(Target, opcode, payload, _masks ? MaskingKeys.Next() : null, fin, reserved);
        }
        catch (Exception e)
        {
            // The transport is gone, or memory is: half a frame may stand there, so nothing can follow it.
            Break(e);
        }
    }

    protected override void OnFlushing() => Count();

    protected override void OnDrained()
    {
        if (_newestPong is not null) SendNewestPong();
        // Whoever joined the line before the flush ended is seen here; who joins later sees the room.
        if (_line is null) return;
        lock (this) _line.Signal();
    }

    private void SendNewestPong()
    {
        bool drive;
        lock (this)
        {
            if (_newestPong is not { } pong || _closeQueued || IsLost || PendingLength > PendingControlLimit) return;
            _newestPong = null;
            Write(Opcode.Pong, pong, fin: true);
            Commit(pong.Length + FrameHeader.MaxSize, corked: false, out drive);
        }
        if (drive) DriveFlush();
    }

    protected override void OnLost(Exception? error)
    {
        SignalClosed();
        _connection.OnOutputLost(error);
    }

    private void SignalClosed()
    {
        if (_line is null) return;
        lock (this) _line.SignalAll();
    }

    private SendLine Line() => _line ??= new SendLine();

    protected override void OnCompleted() => _connection.OnOutputCompleted();

    protected override WebSocketClosedException ClosedException() => new(_connection.CloseResult);

    private readonly record struct Outgoing(
        Opcode Opcode, ReadOnlyMemory<byte> Payload, bool Fin, MessageWriter? Stream, PreparedMessage? Prepared = null,
        bool IsPrepared = false, DeflatedMessage? Deflated = null, bool IsPlain = false);
}
