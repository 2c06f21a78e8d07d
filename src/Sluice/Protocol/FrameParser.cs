using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Sluice.Protocol;

/// <summary>
/// Reads the frames that one side receives, from spans cut anywhere, and holds them to RFC 6455 §5: masking by
/// role, reserved bits and opcodes, minimal lengths, control frames, the order of fragments. A broken rule is
/// reported at the earliest byte that shows it. Payloads are passed on as they came; unmask them with
/// <see cref="Masking"/>. Does not allocate. A mutable struct: keep it in a field. Not thread-safe.
/// </summary>
public struct FrameParser
{
    private readonly Role _receiver;
    private readonly ReservedBits _extensions;
    private FrameWalker _walker;
    private bool _insideMessage;

    /// <summary>A parser at the start of a stream of frames.</summary>
    /// <param name="receiver">The role of the side that receives: a server expects masked frames, a client unmasked ones.</param>
    /// <param name="extensions">The reserved bits that a negotiated extension may set.</param>
    public FrameParser(Role receiver, ReservedBits extensions = ReservedBits.None)
    {
        _receiver = receiver;
        _extensions = extensions;
    }

    /// <summary>The header of the current frame.</summary>
    public readonly FrameHeader Header => _walker.Header;

    /// <summary>Bytes of the current frame's payload that have not come yet.</summary>
    public readonly long Remaining => _walker.Remaining;

    /// <summary>Bytes of the current frame's payload that have been consumed.</summary>
    public readonly long Offset => _walker.Offset;

    /// <summary>Whether a message has begun and its final fragment's header has not come yet.</summary>
    public readonly bool InsideMessage => _insideMessage;

    /// <summary>The rule that was broken, when <see cref="Read"/> returned <see cref="FrameEvent.Violation"/>.</summary>
    public ProtocolViolation? Violation { get; private set; }

    /// <summary>Reads up to the end of one header, or one run of payload. After a violation nothing more is read.</summary>
    /// <param name="input">The next bytes of the stream, at least one.</param>
    /// <param name="consumed">How many of them are done with.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public FrameEvent Read(ReadOnlySpan<byte> input, out int consumed)
    {
        if (_walker.Remaining > 0) return _walker.Read(input, out consumed);
        return ReadHeader(input, out consumed);
    }

    /// <summary>Finds a whole message at the start of the input: one frame that needs no judgement, of up to 65,535 bytes, its last
    /// byte there. The common case in one step, without a trace in the parser; for everything else there is <see cref="Read"/>.</summary>
    /// <param name="input">The next bytes of the stream.</param>
    /// <param name="opcode">Text or binary.</param>
    /// <param name="maskingKey">The key; 0 from a server.</param>
    /// <param name="start">Where the payload begins in the input.</param>
    /// <param name="end">Where it ends.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly bool TryReadWhole(ReadOnlySpan<byte> input, out Opcode opcode, out uint maskingKey, out int start, out int end)
    {
        var masked = _receiver == Role.Server;
        start = masked ? 6 : 2;
        end = 0;
        opcode = default;
        maskingKey = 0;
        if (input.Length < start || input[0] is not (0x81 or 0x82)) return false;
        var length = input[1] ^ (masked ? 0x80 : 0); // with a mask bit that the role does not allow, this is no length
        if (length >= FrameHeader.Length16)
        {
            start += 2;
            if (length != FrameHeader.Length16 || input.Length < start) return false;
            length = BinaryPrimitives.ReadUInt16BigEndian(input[2..]);
            if (length < FrameHeader.Length16) return false; // not in the shortest form (§5.2)
        }
        end = start + length;
        if (input.Length < end || _insideMessage || !_walker.AtBoundary || Violation is not null) return false;
        opcode = (Opcode)(input[0] & 0x0F);
        if (masked) maskingKey = Unsafe.ReadUnaligned<uint>(in input[start - 4]);
        return true;
    }

    /// <summary>Reads on without rules, as <see cref="FrameWalker.Read"/> does: to find the peer's close frame behind a violation.</summary>
    /// <param name="input">The next bytes of the stream, at least one.</param>
    /// <param name="consumed">How many of them are done with.</param>
    public FrameEvent PassOver(ReadOnlySpan<byte> input, out int consumed) => _walker.Read(input, out consumed);

    private FrameEvent ReadHeader(ReadOnlySpan<byte> input, out int consumed)
    {
        if (Violation is not null)
        {
            consumed = 0;
            return FrameEvent.Violation;
        }
        ProtocolViolation? violation;
        FrameEvent read;
        if (_walker.AtBoundary)
        {
            violation = FrameRules.Check(input, _receiver, _insideMessage, _extensions);
            if (Refused(violation, out consumed)) return FrameEvent.Violation;
            read = _walker.Read(input, out consumed);
        }
        else
        {
            // The header began in an earlier span: look at the joined bytes. What is joined beyond this header's
            // end is not looked at, as the rules only look at what the second byte announces.
            Span<byte> joined = stackalloc byte[FrameHeader.MaxSize];
            var before = _walker.CopyPartial(joined);
            var added = Math.Min(input.Length, joined.Length - before);
            input[..added].CopyTo(joined[before..]);
            violation = FrameRules.Check(joined[..(before + added)], _receiver, _insideMessage, _extensions);
            if (Refused(violation, out consumed)) return FrameEvent.Violation;
            read = _walker.Read(input, out consumed);
        }
        if (read == FrameEvent.Header && !_walker.Header.IsControl) _insideMessage = !_walker.Header.Fin;
        return read;
    }

    private bool Refused([NotNullWhen(true)] ProtocolViolation? violation, out int consumed)
    {
        consumed = 0;
        Violation = violation;
        return violation is not null;
    }
}
