using System.Runtime.CompilerServices;

namespace Sluice.Protocol;

/// <summary>What a reader of frames met in the bytes it was given.</summary>
public enum FrameEvent
{
    /// <summary>All bytes are consumed and belong to a header that is not whole yet.</summary>
    Incomplete,

    /// <summary>A header is whole. When its payload is empty, the frame ends with it.</summary>
    Header,

    /// <summary>The consumed bytes are payload of the current frame, as they stood on the wire (masked, when it was).</summary>
    Payload,

    /// <summary>A rule was broken; nothing more can be read.</summary>
    Violation,
}

/// <summary>
/// Finds the frames in a stream of spans and passes over their payloads, without judging them: for those who
/// forward or count frames. <see cref="FrameParser"/> adds the rules. Holds at most one header's bytes; does
/// not allocate. A mutable struct: keep it in a field and do not copy it. Not thread-safe.
/// </summary>
public struct FrameWalker
{
    private HeaderBytes _partial;
    private int _partialLength;
    private long _remaining;
    private FrameHeader _header;

    /// <summary>The header met last.</summary>
    public readonly FrameHeader Header => _header;

    /// <summary>Bytes of the current frame's payload that have not come yet; 0 between frames.</summary>
    public readonly long Remaining => _remaining;

    /// <summary>Bytes of the current frame's payload that have been consumed: where the masking key stands (§5.3).</summary>
    public readonly long Offset => _header.PayloadLength - _remaining;

    /// <summary>Whether the stream stands between two frames.</summary>
    public readonly bool AtBoundary => _remaining == 0 && _partialLength == 0;

    /// <summary>Copies the bytes of an unfinished header.</summary>
    internal readonly int CopyPartial(Span<byte> destination)
    {
        ((ReadOnlySpan<byte>)_partial)[.._partialLength].CopyTo(destination);
        return _partialLength;
    }

    /// <summary>Reads up to the end of one header, or one run of payload.</summary>
    /// <param name="input">The next bytes of the stream, at least one.</param>
    /// <param name="consumed">How many of them are done with.</param>
    /// <returns><see cref="FrameEvent.Incomplete"/>, <see cref="FrameEvent.Header"/> or <see cref="FrameEvent.Payload"/>;
    /// <see cref="FrameEvent.Violation"/> for the one length that can't be walked over, with bit 63 set, and from then on.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FrameEvent Read(ReadOnlySpan<byte> input, out int consumed)
    {
        if (_remaining > 0)
        {
            consumed = (int)Math.Min(input.Length, _remaining);
            _remaining -= consumed;
            return FrameEvent.Payload;
        }
        if (_remaining < 0)
        {
            consumed = 0;
            return FrameEvent.Violation;
        }
        if (_partialLength == 0 && FrameHeader.TryParse(input, out _header, out consumed))
        {
            _remaining = _header.PayloadLength;
            return _remaining >= 0 ? FrameEvent.Header : FrameEvent.Violation;
        }
        return ReadPartial(input, out consumed);
    }

    private FrameEvent ReadPartial(ReadOnlySpan<byte> input, out int consumed)
    {
        Span<byte> partial = _partial;
        var before = _partialLength;
        var added = Math.Min(input.Length, FrameHeader.MaxSize - before);
        input[..added].CopyTo(partial[before..]);
        if (FrameHeader.TryParse(partial[..(before + added)], out _header, out var size))
        {
            consumed = size - before;
            _partialLength = 0;
            _remaining = _header.PayloadLength;
            return _remaining >= 0 ? FrameEvent.Header : FrameEvent.Violation;
        }
        _partialLength = before + added;
        consumed = added;
        return FrameEvent.Incomplete;
    }

    [InlineArray(FrameHeader.MaxSize)]
    private struct HeaderBytes
    {
        private byte _first;
    }
}
