using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Sluice.Protocol;

/// <summary>The payload of a close frame (RFC 6455 §5.5.1): nothing, or a code of two bytes and a reason in UTF-8.</summary>
public static class ClosePayload
{
    /// <summary>The most bytes that a reason may take: 125 less the two of the code.</summary>
    public const int MaxReasonBytes = FrameHeader.MaxControlPayload - 2;

    /// <summary>Reads and checks a received payload.</summary>
    /// <param name="payload">The payload, unmasked.</param>
    /// <param name="code">The code; <see cref="CloseCode.NoStatusReceived"/> when the payload is empty (§7.1.5).</param>
    /// <param name="reason">The reason, not null; empty when there is none.</param>
    /// <returns>The rule that was broken, or <see langword="null"/>.</returns>
    public static ProtocolViolation? TryRead(ReadOnlySpan<byte> payload, out CloseCode code, out string reason)
    {
        code = CloseCode.NoStatusReceived;
        reason = "";
        if (payload.IsEmpty) return null;
        if (payload.Length == 1) return ProtocolViolation.ClosePayloadOfOneByte;
        var received = (CloseCode)BinaryPrimitives.ReadUInt16BigEndian(payload);
        if (!received.MayBeSent()) return ProtocolViolation.CloseCodeForbidden;
        if (!Utf8.IsValid(payload[2..])) return ProtocolViolation.CloseReasonNotUtf8;
        code = received;
        reason = payload.Length == 2 ? "" : Encoding.UTF8.GetString(payload[2..]);
        return null;
    }

    /// <summary>Checks as much of a received payload as has come, so that a violation is known at the earliest byte.</summary>
    /// <param name="begun">The payload's first bytes, unmasked.</param>
    /// <returns>The rule that was broken whatever follows, or <see langword="null"/>.</returns>
    internal static ProtocolViolation? CheckBeginning(ReadOnlySpan<byte> begun)
    {
        if (begun.IsEmpty) return null;
        // The first byte alone rules out a code when none that may be sent begins with it: 1000–1014, 3000–4999 (§7.4).
        if (begun.Length == 1) return begun[0] is 0x03 or (>= 0x0B and <= 0x13) ? null : ProtocolViolation.CloseCodeForbidden;
        if (!((CloseCode)BinaryPrimitives.ReadUInt16BigEndian(begun)).MayBeSent()) return ProtocolViolation.CloseCodeForbidden;
        var reason = default(Utf8Validator);
        return reason.TryAppend(begun[2..]) ? null : ProtocolViolation.CloseReasonNotUtf8;
    }

    /// <summary>Writes a payload. <see cref="CloseCode.NoStatusReceived"/> gives an empty one.</summary>
    /// <param name="destination">2 bytes and the reason's; 125 always do.</param>
    /// <param name="code">A code that may be sent, or <see cref="CloseCode.NoStatusReceived"/> for none.</param>
    /// <param name="reason">At most <see cref="MaxReasonBytes"/> bytes of UTF-8; empty without a code.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">The code may not be sent, or the reason is too long or not valid UTF-16.</exception>
    public static int Write(Span<byte> destination, CloseCode code, string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        Check(code, reason);
        if (code == CloseCode.NoStatusReceived) return 0;
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)code);
        return 2 + Encoding.UTF8.GetBytes(reason, destination[2..]);
    }

    /// <summary>The longest beginning of a text that fits as a reason, cut between characters; what is not valid UTF-16 becomes U+FFFD.</summary>
    public static string Fit(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        Span<byte> bytes = stackalloc byte[MaxReasonBytes];
        Utf8.FromUtf16(text, bytes, out _, out var written);
        return Encoding.UTF8.GetString(bytes[..written]);
    }

    internal static void Check(CloseCode code, string reason)
    {
        if (code == CloseCode.NoStatusReceived)
        {
            if (reason.Length > 0) throw new ArgumentException("a close frame without a code carries no reason (RFC 6455 §5.5.1)", nameof(reason));
            return;
        }
        if (!code.MayBeSent())
        {
            throw new ArgumentException(
                $"close code {(int)code} may not be sent; use 1000–1003, 1007–1014 or 3000–4999 (RFC 6455 §7.4)", nameof(code));
        }
        int bytes;
        try
        {
            bytes = StrictUtf8.GetByteCount(reason);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException("the close reason has a lone surrogate, which UTF-8 can't express (RFC 6455 §8.1)", nameof(reason), e);
        }
        if (bytes > MaxReasonBytes)
        {
            throw new ArgumentException(
                $"the close reason takes {bytes} bytes of UTF-8; at most {MaxReasonBytes} fit (RFC 6455 §5.5)", nameof(reason));
        }
    }

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
