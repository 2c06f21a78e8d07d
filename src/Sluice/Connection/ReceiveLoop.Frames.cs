using System.Buffers;
using System.Runtime.InteropServices;
using Sluice.Protocol;

namespace Sluice;

/// <summary>What the loop does with each part of a frame: one step of the state machine each. The steps of a message that has
/// come whole call one another.</summary>
internal sealed partial class ReceiveLoop
{
    private FrameParser _parser;
    private MessageAssembly _assembly;
    private ControlFrameBudget _controlFrames;
    private Sink _sink;
    private byte[]? _control; // the payload of a control frame that did not come in one piece
    private int _controlLength;

    private enum Sink
    {
        Discard,
        Buffer,
        Handler,
        Stream,
    }

    private Outcome Step() => _phase switch
    {
        Phase.Header => ReadHeader(),
        Phase.MessageStart => StartMessage(),
        Phase.Payload => ReadPayload(),
        Phase.FrameEnd => EndFrame(),
        Phase.Control => ReadControl(),
        Phase.Ending => ReachEnd(),
        Phase.Linger => PassOver(),
        Phase.PassRest => PassRest(),
        Phase.AwaitEnd => PassAll(),
        _ => Outcome.Done,
    };

    private Outcome ReadHeader()
    {
        if (_offset == _segment.Length) return Outcome.NeedData;
        var input = _segment.Span[_offset..];
        if (_parser.TryReadWhole(input, out var opcode, out var key, out var start, out var end) && IsForHandler)
        {
            var payload = MemoryMarshal.AsMemory(_segment.Slice(_offset + start, end - start));
            _offset += end;
            if (_options.EndsIdle) _connection.KeepAlive.OnMessage();
            return HandleWhole(opcode, payload, key);
        }
        var read = _parser.Read(input, out var consumed);
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
        if (header.Opcode == Opcode.Continuation) return StartPayload();
        _phase = Phase.MessageStart;
        return StartMessage();
    }

    // A whole message in one piece: unmasked where it lies, and lent to the handler from there.
    private Outcome HandleWhole(Opcode opcode, Memory<byte> payload, uint maskingKey)
        => _assembly.TakeWhole(opcode, payload.Span, maskingKey) is { } violation ? Fail(violation) : Handle(payload);

    private Outcome StartMessage()
    {
        if (!TryChooseSink(out _sink)) return Outcome.NeedConsumer;
        if (_options.EndsIdle) _connection.KeepAlive.OnMessage();
        return _sink == Sink.Stream ? DeliverStart() : StartPayload();
    }

    private Outcome StartPayload()
    {
        BeginPayload();
        // What is kept whole must fit into an array, whatever the limit says.
        if (_sink is Sink.Buffer or Sink.Handler && _assembly.CheckWhole() is { } violation) return Fail(violation);
        return _phase == Phase.Payload ? ReadPayload() : Outcome.Continue;
    }

    private void BeginPayload() => _phase = _parser.Header.PayloadLength > 0 ? Phase.Payload : Phase.FrameEnd;

    private Outcome ReadPayload()
    {
        if (_assembly.IsCompressed) return _sink == Sink.Stream ? StreamInflated(final: false) : ReadCompressed();
        if (_offset == _segment.Length) return Outcome.NeedData;
        if (_sink == Sink.Stream) return ReadStream();
        var header = _parser.Header;
        var start = _parser.Offset;
        if (start == 0 && MayGather(header)) return Outcome.NeedRest;
        _parser.Read(_segment.Span[_offset..], out var consumed);
        var payload = MemoryMarshal.AsMemory(_segment.Slice(_offset, consumed));
        _offset += consumed;
        if (_parser.Remaining == 0) _phase = Phase.FrameEnd;

        if (_sink == Sink.Handler && consumed == header.PayloadLength && header.Fin && header.Opcode != Opcode.Continuation)
        {
            return HandleWhole(header.Opcode, payload, header.MaskingKey);
        }
        if (_sink == Sink.Discard) return Outcome.Continue;
        return _assembly.Append(payload.Span, header, start) is { } violation ? Fail(violation) : Outcome.Continue;
    }

    // A message whose payload is being read into one piece of the transport's memory waits there for its end. Not text: it fails
    // at the first byte that is wrong (§8.1).
    private bool MayGather(in FrameHeader header)
        => _sink == Sink.Handler && header.PayloadLength > _segment.Length - _offset && header is { Fin: true, Opcode: Opcode.Binary }
            && HasRoomBehind(header.PayloadLength);

    private Outcome EndFrame()
    {
        if (_assembly.IsCompressed && _parser.Header.Fin) return EndCompressed();
        if (!_parser.Header.Fin || _sink == Sink.Discard)
        {
            _phase = Phase.Header;
            return Outcome.Continue;
        }
        return EndMessage();
    }

    private Outcome EndMessage()
    {
        if (_assembly.End() is { } violation) return Fail(violation);
        return _sink switch
        {
            Sink.Stream => EndStream(),
            Sink.Handler => HandleAssembled(_assembly.ToMessage()),
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
            if (_parser.Remaining > 0) return CheckBegunControl(header.Opcode) is { } violation ? Fail(violation) : Outcome.NeedData;
        }
        var outcome = EndControl(header.Opcode, _control.AsSpan(0, _controlLength));
        DropControl();
        return outcome;
    }

    // Only a close frame's payload has rules of its own.
    private ProtocolViolation? CheckBegunControl(Opcode opcode)
        => opcode == Opcode.Close ? ClosePayload.CheckBeginning(_control.AsSpan(0, _controlLength)) : null;

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
        if (opcode != Opcode.Close && !_controlFrames.TryTake(_options)) return Fail(ProtocolViolation.TooManyControlFrames);
        switch (opcode)
        {
            case Opcode.Ping:
                _connection.OnPing(payload);
                return TellPing(payload);
            case Opcode.Pong:
                _connection.OnPong(payload);
                return TellPong(payload);
        }
        return TakeClose(payload);
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
}
