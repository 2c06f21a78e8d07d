using System.Buffers;
using System.Runtime.InteropServices;
using Sluice.Protocol;

namespace Sluice;

/// <summary>The steps for compressed messages (RFC 7692 §7.2.2): each byte is inflated as it comes, into the message's buffer
/// or, for a streamed one, as far as its reader asks.</summary>
internal sealed partial class ReceiveLoop
{
    private InflatedStage? _stage; // null until a compressed message is streamed

    // Whether the message is inflated though nobody wants it: those behind it may refer to it.
    private bool InflatesAway => _sink == Sink.Discard && _assembly.KeepsContext && !_passedOver;

    private Outcome ReadCompressed()
    {
        if (_offset == _segment.Length) return Outcome.NeedData;
        var payload = TakeCompressed();
        if (_parser.Remaining == 0) _phase = Phase.FrameEnd;
        var violation = _sink != Sink.Discard ? _assembly.Inflate(payload.Span)
            : InflatesAway ? _assembly.InflateAway(payload.Span)
            : null;
        return violation is null ? Outcome.Continue : Fail(violation);
    }

    private Outcome EndCompressed()
    {
        if (_sink == Sink.Stream)
        {
            if (!_assembly.IsInflated || _stage is { IsEmpty: false }) return StreamInflated(final: true);
            DropStage();
            _assembly.EndInflating();
            return EndMessage();
        }
        var violation = _sink != Sink.Discard ? _assembly.Inflate(default, final: true)
            : InflatesAway ? _assembly.InflateAway(default, final: true)
            : null;
        _assembly.EndInflating();
        if (violation is not null) return Fail(violation);
        if (_sink != Sink.Discard) return EndMessage();
        _phase = Phase.Header;
        return Outcome.Continue;
    }

    // Unmasked where they lie: nobody else will read them.
    private ReadOnlyMemory<byte> TakeCompressed()
    {
        var header = _parser.Header;
        var start = _parser.Offset;
        _parser.Read(_segment.Span[_offset..], out var consumed);
        var payload = MemoryMarshal.AsMemory(_segment.Slice(_offset, consumed));
        _offset += consumed;
        if (header.Masked) Masking.Apply(payload.Span, header.MaskingKey, (int)(start & 3));
        return payload;
    }

    private Outcome StreamInflated(bool final)
    {
        bool abandoned;
        lock (this)
        {
            abandoned = !IsStreaming;
            if (!abandoned && _demand != Demand.Chunk) return Outcome.NeedConsumer;
        }
        if (abandoned) return AbandonInflated();
        var stage = _stage ??= new InflatedStage();
        if (!stage.IsEmpty) return DeliverStaged(stage);
        if (!final && !stage.HasMore)
        {
            if (_parser.Remaining == 0)
            {
                _phase = Phase.FrameEnd;
                return Outcome.Continue;
            }
            if (_offset == _segment.Length) return Outcome.NeedData;
            stage.Deflated = TakeCompressed();
        }
        return Fill(stage, final);
    }

    private Outcome Fill(InflatedStage stage, bool final)
    {
        var input = stage.Deflated.Span;
        var violation = _assembly.InflateInto(ref input, stage.Room(), final, out var written, out var more);
        stage.Commit(written, input.Length, more);
        if (violation is not null) FailNow(violation);
        return Outcome.Continue;
    }

    private Outcome DeliverStaged(InflatedStage stage)
    {
        Memory<byte> destination;
        lock (this)
        {
            if (!IsStreaming || _demand != Demand.Chunk) return Outcome.Continue; // looked at again
            destination = _receiver!.Destination;
            TakeDemand(); // from here on it can't be cancelled: the bytes are consumed
        }
        var length = stage.Read(destination.Span);
        _options.Metrics.Received(0, length);
        lock (this) _running = false;
        _receiver!.Deliver(length);
        return Regain();
    }

    private Outcome AbandonInflated()
    {
        _sink = Sink.Discard;
        var rest = _stage?.Deflated ?? default;
        DropStage();
        if (!_assembly.KeepsContext) _assembly.EndInflating();
        else if (_assembly.InflateAway(rest.Span) is { } violation) return Fail(violation);
        _phase = _parser.Remaining == 0 ? Phase.FrameEnd : Phase.Payload;
        return Outcome.Continue;
    }

    private void DropStage() => _stage?.Clear();

    private void DropMessage()
    {
        DropStage();
        _assembly.Drop();
    }
}
