using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// Reads the transport and turns bytes into messages. A state machine that whoever owns it (<c>_running</c>) drives:
/// the callback of a read, or a caller who wants a message while bytes are there already. It always reads, so that
/// pings, pongs and closes are handled while nobody receives; at the start of a message that nobody wants yet it
/// stops and leaves the bytes in the transport, which is the backpressure.
/// </summary>
internal sealed partial class ReceiveLoop
{
    private readonly WebSocketConnection _connection;
    private readonly PipeReader _input;
    private readonly ConnectionMetrics _metrics;
    private readonly Action _onRead;
    private readonly Action _onResumed;

    private FrameParser _parser;
    private MessageAssembly _assembly;
    private Phase _phase;
    private Sink _sink;
    private byte[]? _control; // the payload of a control frame that did not come in one piece
    private int _controlLength;

    private ValueTask<ReadResult> _read;
    private ValueTask _suspended;
    private ReadOnlySequence<byte> _buffer;
    private SequencePosition _next;
    private ReadOnlyMemory<byte> _segment;
    private int _offset;
    private bool _hasBuffer;
    private bool _inputEnded;
    private volatile bool _reading;
    private volatile bool _stopping;
    private int _turn; // the thread of the turn under way, 0 for none

    public ReceiveLoop(PipeReader input, WebSocketConnection connection, Role role, ConnectionOptions options)
    {
        _input = input;
        _connection = connection;
        _metrics = options.Metrics;
        _parser = new FrameParser(role);
        _assembly = new MessageAssembly(options);
        _onRead = OnRead;
        _onResumed = OnResumed;
    }

    private enum Phase
    {
        Header,
        MessageStart,
        Payload,
        FrameEnd,
        Control,
        Linger,
        AwaitEnd,
        Done,
    }

    private enum Sink
    {
        Discard,
        Buffer,
        Handler,
        Stream,
    }

    private enum Outcome
    {
        Continue,
        NeedData,
        NeedConsumer,
        Suspended,
        Done,
    }

    /// <summary>Whether a read is under way, so that what the peer sends is seen at once.</summary>
    public bool IsListening => _reading;

    /// <summary>Whether the caller runs inside a turn that has more bytes to work off, and will flush after them.</summary>
    public bool IsCorked => _turn == Environment.CurrentManagedThreadId && _offset < _segment.Length;

    public void Start()
    {
        lock (_gate) _running = true;
        Pump();
    }

    /// <summary>Ends the loop as soon as its owner can: releases the transport.</summary>
    public void Stop()
    {
        _stopping = true;
        lock (_gate)
        {
            if (_running)
            {
                _input.CancelPendingRead();
                return;
            }
            _running = true;
        }
        Pump();
    }

    private void Pump()
    {
        try
        {
            while (Advance())
            {
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The transport's own errors: reset, aborted, TLS. Anything that ends the input ends the connection.
            _connection.OnInputLost(e);
            Finish();
        }
    }

    private bool Advance()
    {
        if (_stopping) _phase = Phase.Done;
        if (_phase >= Phase.Linger) TellHandler();
        return Step() switch
        {
            Outcome.Continue => true,
            Outcome.NeedData => Read(),
            Outcome.NeedConsumer => StayForConsumer(),
            Outcome.Done => Finish(),
            _ => false,
        };
    }

    private Outcome Step() => _phase switch
    {
        Phase.Header => ReadHeader(),
        Phase.MessageStart => StartMessage(),
        Phase.Payload => ReadPayload(),
        Phase.FrameEnd => EndFrame(),
        Phase.Control => ReadControl(),
        Phase.Linger => PassOver(),
        Phase.AwaitEnd => PassAll(),
        _ => Outcome.Done,
    };

    private Outcome ReadHeader()
    {
        if (_offset == _segment.Length) return Outcome.NeedData;
        var read = _parser.Read(_segment.Span[_offset..], out var consumed);
        _offset += consumed;
        if (read == FrameEvent.Incomplete) return Outcome.NeedData;
        if (read == FrameEvent.Violation) return Fail(_parser.Violation!);
        var header = _parser.Header;
        if (header.IsControl)
        {
            _phase = Phase.Control;
            return Outcome.Continue;
        }
        if (_assembly.Begin(header) is { } violation) return Fail(violation);
        if (header.Opcode != Opcode.Continuation) _phase = Phase.MessageStart;
        else _phase = header.PayloadLength > 0 ? Phase.Payload : Phase.FrameEnd;
        return Outcome.Continue;
    }

    private Outcome StartMessage()
    {
        if (!TryChooseSink(out _sink)) return Outcome.NeedConsumer;
        _connection.KeepAlive.OnMessage();
        _phase = _parser.Header.PayloadLength > 0 ? Phase.Payload : Phase.FrameEnd;
        return _sink == Sink.Stream ? DeliverStart() : Outcome.Continue;
    }

    private Outcome ReadPayload()
    {
        if (_offset == _segment.Length) return Outcome.NeedData;
        if (_sink == Sink.Stream) return ReadStream();
        var header = _parser.Header;
        var start = _parser.Offset;
        _parser.Read(_segment.Span[_offset..], out var consumed);
        var payload = MemoryMarshal.AsMemory(_segment.Slice(_offset, consumed));
        _offset += consumed;
        if (_parser.Remaining == 0) _phase = Phase.FrameEnd;

        if (_sink == Sink.Handler && consumed == header.PayloadLength && header.Fin && header.Opcode != Opcode.Continuation)
        {
            // A whole message in one piece: unmasked where it lies, and lent to the handler from there.
            var wrong = _assembly.TakeInPlace(payload.Span, header) ?? _assembly.End();
            return wrong is null ? Handle(payload) : Fail(wrong);
        }
        if (_sink == Sink.Discard) return Outcome.Continue;
        return _assembly.Append(payload.Span, header, start) is { } violation ? Fail(violation) : Outcome.Continue;
    }

    private Outcome EndFrame()
    {
        if (!_parser.Header.Fin)
        {
            _phase = Phase.Header;
            return Outcome.Continue;
        }
        if (_sink == Sink.Discard)
        {
            _phase = Phase.Header;
            return Outcome.Continue;
        }
        if (_assembly.End() is { } violation) return Fail(violation);
        return _sink switch
        {
            Sink.Stream => EndStream(),
            Sink.Handler => HandleAssembled(),
            _ => DeliverMessage(),
        };
    }

    private Outcome ReadControl()
    {
        var header = _parser.Header;
        if (_parser.Remaining > 0)
        {
            if (_offset == _segment.Length) return Outcome.NeedData;
            var start = (int)_parser.Offset;
            _parser.Read(_segment.Span[_offset..], out var consumed);
            var part = MemoryMarshal.AsMemory(_segment.Slice(_offset, consumed)).Span;
            _offset += consumed;
            if (header.Masked) Masking.Apply(part, header.MaskingKey, start & 3);
            if (_parser.Remaining == 0 && start == 0) return EndControl(header.Opcode, part);
            part.CopyTo((_control ??= ArrayPool<byte>.Shared.Rent(FrameHeader.MaxControlPayload)).AsSpan(start));
            _controlLength = start + consumed;
            if (_parser.Remaining > 0) return Outcome.NeedData;
        }
        var outcome = EndControl(header.Opcode, _control.AsSpan(0, _controlLength));
        DropControl();
        return outcome;
    }

    private void DropControl()
    {
        if (_control is not null) ArrayPool<byte>.Shared.Return(_control);
        _control = null;
        _controlLength = 0;
    }

    private Outcome EndControl(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        // A control frame may stand between the fragments of a message (§5.4); either way a header comes next.
        _phase = Phase.Header;
        switch (opcode)
        {
            case Opcode.Ping:
                _connection.OnPing(payload, _handler);
                return Outcome.Continue;
            case Opcode.Pong:
                _connection.OnPong(payload, _handler);
                return Outcome.Continue;
            default:
                if (ClosePayload.TryRead(payload, out var code, out var reason) is { } violation) return Fail(violation);
                _phase = _connection.OnCloseFrame(code, reason) ? Phase.AwaitEnd : Phase.Done;
                return Outcome.Continue;
        }
    }

    private Outcome Fail(ProtocolViolation violation)
    {
        _assembly.Drop();
        DropControl();
        _connection.Fail(violation.CloseCode, violation.Message);
        _phase = Phase.Linger;
        return Outcome.Continue;
    }

    private Outcome PassOver()
    {
        if (_offset == _segment.Length) return Outcome.NeedData;
        switch (_parser.PassOver(_segment.Span[_offset..], out var consumed))
        {
            case FrameEvent.Violation: // no end of this frame can be found
                _phase = Phase.AwaitEnd;
                break;
            case FrameEvent.Header or FrameEvent.Payload when _parser is { Header.Opcode: Opcode.Close, Remaining: 0 }:
                _phase = Phase.Done; // the peer has sent its last frame: nothing is lost by closing now
                break;
        }
        _offset += consumed;
        return Outcome.Continue;
    }

    private Outcome PassAll()
    {
        _offset = _segment.Length;
        return Outcome.NeedData;
    }

    /// <returns>Whether there is something to go on with.</returns>
    private bool Read()
    {
        if (_hasBuffer)
        {
            if (_buffer.TryGet(ref _next, out _segment))
            {
                _offset = 0;
                return true;
            }
            ReleaseBuffer();
            if (_inputEnded)
            {
                _connection.OnInputEnded();
                _phase = Phase.Done;
                return true;
            }
        }
        return _handler is null ? ReadNow() : FlushAndRead();
    }

    // A handler that echoes into a peer that does not read must stop reading, too. Whoever receives by calls waits
    // for its own sends, and may depend on reading while they are stuck.
    private bool FlushAndRead()
    {
        var flush = _connection.Sender.UncorkAsync();
        if (!flush.IsCompleted) return Suspend(flush);
        flush.GetAwaiter().GetResult();
        return ReadNow();
    }

    private bool ReadNow()
    {
        _connection.Sender.Uncork();
        _read = _input.ReadAsync(CancellationToken.None);
        if (_read.IsCompleted) return TakeRead();
        _reading = true;
        _read.GetAwaiter().UnsafeOnCompleted(_onRead);
        return false;
    }

    private bool TakeRead()
    {
        var result = _read.Result;
        _read = default;
        _reading = false;
        _buffer = result.Buffer;
        _next = _buffer.Start;
        _segment = default;
        _offset = 0;
        _hasBuffer = true;
        _inputEnded = result.IsCompleted;
        if (!_buffer.IsEmpty) _connection.KeepAlive.OnBytes();
        return true;
    }

    private void ReleaseBuffer()
    {
        if (!_hasBuffer) return;
        _hasBuffer = false;
        var end = _buffer.End;
        _buffer = default;
        _next = default;
        _segment = default;
        _offset = 0;
        _input.AdvanceTo(end);
    }

    private void OnRead()
    {
        BeginTurn();
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
        EndTurn();
    }

    private void BeginTurn() => _turn = Environment.CurrentManagedThreadId;

    private void EndTurn()
    {
        if (_turn == Environment.CurrentManagedThreadId) _turn = 0;
        _connection.Sender.Uncork();
    }

    private bool Finish()
    {
        ReleaseBuffer();
        _assembly.Drop();
        DropControl();
        _input.Complete();
        _connection.OnInputReleased();
        return false; // stays owned for good: nobody drives it again
    }
}
