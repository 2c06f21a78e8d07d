using System.Buffers;
using System.Runtime.InteropServices;
using Sluice.Protocol;

namespace Sluice;

/// <summary>The steps for compressed messages (RFC 7692 §7.2.2): each byte is inflated as it comes, into the message's buffer
/// or, for a streamed one, as far as its reader asks.</summary>
internal sealed partial class ReceiveLoop
{
    private const int StageSize = 16 * 1024;

    private ReadOnlyMemory<byte> _deflated; // of a streamed message: unmasked, and not inflated yet
    private byte[]? _stage; // of a streamed message: inflated, and not read yet
    private int _staged;
    private int _stageTaken;
    private bool _moreToStage;

    /// <inheritdoc cref="MessageInflater.HoldsDecompressor"/>
    public bool HoldsDecompressor => _assembly.HoldsDecompressor;

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
            if (!_assembly.IsInflated || _staged > _stageTaken) return StreamInflated(final: true);
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
        lock (_gate)
        {
            abandoned = _stream is null;
            if (!abandoned && _demand != Demand.Chunk) return Outcome.NeedConsumer;
        }
        if (abandoned) return AbandonInflated();
        if (_staged > _stageTaken) return DeliverStaged();
        if (!final && !_moreToStage)
        {
            if (_parser.Remaining == 0)
            {
                _phase = Phase.FrameEnd;
                return Outcome.Continue;
            }
            if (_offset == _segment.Length) return Outcome.NeedData;
            _deflated = TakeCompressed();
        }
        return Stage(final);
    }

    private Outcome Stage(bool final)
    {
        _stage ??= ArrayPool<byte>.Shared.Rent(StageSize);
        var input = _deflated.Span;
        var violation = _assembly.InflateInto(ref input, _stage, final, out _staged, out _moreToStage);
        _stageTaken = 0;
        _deflated = _deflated[^input.Length..];
        _moreToStage |= !input.IsEmpty;
        if (violation is not null) FailNow(violation);
        return Outcome.Continue;
    }

    private Outcome DeliverStaged()
    {
        Memory<byte> destination;
        lock (_gate)
        {
            if (_stream is null || _demand != Demand.Chunk) return Outcome.Continue; // looked at again
            destination = _destination;
            TakeDemand(); // from here on it can't be cancelled: the bytes are consumed
        }
        var length = Math.Min(destination.Length, _staged - _stageTaken);
        _stage.AsSpan(_stageTaken, length).CopyTo(destination.Span);
        _stageTaken += length;
        _metrics.Received(0, length);
        lock (_gate) _running = false;
        _chunkSource.SetResult(length);
        return Regain();
    }

    private Outcome AbandonInflated()
    {
        _sink = Sink.Discard;
        var rest = _deflated;
        DropStage();
        if (!_assembly.KeepsContext) _assembly.EndInflating();
        else if (_assembly.InflateAway(rest.Span) is { } violation) return Fail(violation);
        _phase = _parser.Remaining == 0 ? Phase.FrameEnd : Phase.Payload;
        return Outcome.Continue;
    }

    private void DropStage()
    {
        if (_stage is not null) ArrayPool<byte>.Shared.Return(_stage);
        _stage = null;
        _staged = 0;
        _stageTaken = 0;
        _moreToStage = false;
        _deflated = default;
    }

    private void DropMessage()
    {
        DropStage();
        _assembly.Drop();
    }
}
