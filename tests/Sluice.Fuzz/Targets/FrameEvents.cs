using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets;

/// <summary>Compares the events of a parser or walker with the frames of the reference.</summary>
internal sealed class FrameEvents(List<ReferenceFrame> expected)
{
    private int _headers;
    private long _taken;

    private ReferenceFrame Current => expected[_headers - 1];

    public void Take(FrameEvent what, ReadOnlySpan<byte> input, int consumed, in FrameHeader header, long remaining, long offset)
    {
        FuzzFailure.Unless(consumed > 0 && consumed <= input.Length, "a read consumes at least one byte and no more than there are");
        switch (what)
        {
            case FrameEvent.Incomplete:
                FuzzFailure.UnlessSame(consumed, input.Length, "an incomplete header takes all bytes");
                break;
            case FrameEvent.Header:
                EndFrame();
                FuzzFailure.Unless(_headers < expected.Count, "no more headers than there are");
                _headers++;
                _taken = 0;
                Compare(header, remaining);
                break;
            default:
                FuzzFailure.Unless(_headers > 0, "payload comes behind a header");
                TakePayload(input[..consumed], header, remaining, offset);
                break;
        }
    }

    /// <summary>No more bytes come, or none that count.</summary>
    public void End()
    {
        FuzzFailure.UnlessSame(_headers, expected.Count, "every header is seen");
        if (_headers > 0) FuzzFailure.UnlessSame(_taken, Current.Payload.Length, "every byte of payload that came is seen");
    }

    private void EndFrame()
    {
        if (_headers > 0) FuzzFailure.UnlessSame(_taken, Current.Length, "a header comes behind the last frame's payload");
    }

    private void Compare(in FrameHeader header, long remaining)
    {
        var frame = Current;
        var first = (byte)((header.Fin ? 0x80 : 0) | (int)header.Reserved | (int)header.Opcode);
        FuzzFailure.UnlessSame(first, frame.First, "first byte");
        FuzzFailure.UnlessSame(header.PayloadLength, frame.Length, "payload length");
        FuzzFailure.UnlessSame(remaining, frame.Length, "what remains behind a header");
        FuzzFailure.UnlessSame(header.Masked, frame.Key is not null, "masked");
        FuzzFailure.UnlessSame(header.IsControl, frame.IsControl, "control frame");
        FuzzFailure.UnlessSame(header.MaskingKey, frame.Key is null ? 0 : BitConverter.ToUInt32(frame.Key), "masking key");
    }

    private void TakePayload(ReadOnlySpan<byte> payload, in FrameHeader header, long remaining, long offset)
    {
        var copy = payload.ToArray();
        if (header.Masked) Masking.Apply(copy, header.MaskingKey, (int)(_taken & 3));
        FuzzFailure.Unless(_taken + copy.Length <= Current.Payload.Length, "no more payload than there is");
        FuzzFailure.UnlessSameBytes(copy, Current.Payload.AsSpan((int)_taken, copy.Length), "payload");
        _taken += copy.Length;
        FuzzFailure.UnlessSame(offset, _taken, "offset in the payload");
        FuzzFailure.UnlessSame(remaining, Current.Length - _taken, "what remains of the payload");
    }
}
