using System.Runtime.CompilerServices;

namespace Sluice.Protocol;

/// <summary>
/// What RFC 6455 §5 demands of a frame's header, checked on as many of its bytes as have come: a violation is
/// known at the earliest byte that shows it. Pure; thread-safe.
/// </summary>
public static class FrameRules
{
    /// <summary>Checks the bytes of a header that have come so far.</summary>
    /// <param name="header">From the first byte of a frame on; 0 to <see cref="FrameHeader.MaxSize"/> bytes, more are passed over.</param>
    /// <param name="receiver">The role of the side that received the frame.</param>
    /// <param name="insideMessage">Whether a fragmented message is under way.</param>
    /// <param name="extensions">The reserved bits that a negotiated extension may set on the first frame of a message.</param>
    /// <returns>The rule that was broken, or <see langword="null"/> when nothing is wrong so far.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ProtocolViolation? Check(
        ReadOnlySpan<byte> header, Role receiver, bool insideMessage, ReservedBits extensions = ReservedBits.None)
    {
        if (header.Length >= 2)
        {
            // The common case in two comparisons: FIN, no reserved bit, a known opcode; a short length, masked as the role demands.
            var second = header[1];
            var masked = second >= 0x80;
            var wellFormed = header[0] is 0x81 or 0x82 && !insideMessage;
            if (wellFormed && masked == (receiver == Role.Server) && (second & 0x7F) < 126) return null;
        }
        return CheckEach(header, receiver, insideMessage, extensions);
    }

    private static ProtocolViolation? CheckEach(
        ReadOnlySpan<byte> header, Role receiver, bool insideMessage, ReservedBits extensions)
    {
        if (header.Length < 1) return null;
        var violation = CheckFirst(header[0], insideMessage, extensions);
        if (violation is not null || header.Length < 2) return violation;
        violation = CheckSecond(header[0], header[1], receiver);
        return violation ?? CheckLength(header);
    }

    private static ProtocolViolation? CheckFirst(byte first, bool insideMessage, ReservedBits extensions)
    {
        var fin = (first & 0x80) != 0;
        var reserved = (ReservedBits)first & ReservedBits.All;
        var opcode = (Opcode)(first & 0x0F);

        // §5.2: reserved bits MUST be 0 unless an extension defines them; RFC 7692 §6: only on the first fragment,
        // and control frames are never compressed.
        var mayCarry = opcode is Opcode.Text or Opcode.Binary ? extensions : ReservedBits.None;
        if ((reserved & ~mayCarry) != 0) return ProtocolViolation.ReservedBit;

        return opcode switch
        {
            // §5.4: a continuation continues something, and a message ends before the next one begins.
            Opcode.Continuation => insideMessage ? null : ProtocolViolation.NothingToContinue,
            Opcode.Text or Opcode.Binary => insideMessage ? ProtocolViolation.MessageUnfinished : null,
            // §5.5: control frames MUST NOT be fragmented.
            Opcode.Close or Opcode.Ping or Opcode.Pong => fin ? null : ProtocolViolation.ControlFragmented,
            // §5.2: an unknown opcode fails the connection.
            _ => ProtocolViolation.ReservedOpcode,
        };
    }

    private static ProtocolViolation? CheckSecond(byte first, byte second, Role receiver)
    {
        // §5.1: a client MUST mask, a server MUST NOT.
        var masked = (second & 0x80) != 0;
        if (receiver == Role.Server && !masked) return ProtocolViolation.NotMasked;
        if (receiver == Role.Client && masked) return ProtocolViolation.Masked;
        // §5.5: control frames MUST have a payload length of 125 bytes or less.
        var isControl = (first & 0x08) != 0;
        if (isControl && (second & 0x7F) > FrameHeader.MaxControlPayload) return ProtocolViolation.ControlTooLong;
        // §5.5.1: a close frame's payload begins with a code of two bytes, or there is none.
        return (Opcode)(first & 0x0F) == Opcode.Close && (second & 0x7F) == 1 ? ProtocolViolation.ClosePayloadOfOneByte : null;
    }

    private static ProtocolViolation? CheckLength(ReadOnlySpan<byte> header)
    {
        switch (header[1] & 0x7F)
        {
            case 126:
                // §5.2: the minimal number of bytes MUST be used.
                return header.Length >= 4 && header[2] == 0 && header[3] < 126 ? ProtocolViolation.LengthNotMinimal : null;
            case 127:
                // §5.2: the most significant bit MUST be 0.
                if (header.Length >= 3 && (header[2] & 0x80) != 0) return ProtocolViolation.LengthTopBit;
                // Six zero bytes leave a value that two bytes could have held.
                return header.Length >= 8 && header[2..8].IndexOfAnyExcept((byte)0) < 0 ? ProtocolViolation.LengthNotMinimal : null;
            default:
                return null;
        }
    }
}
