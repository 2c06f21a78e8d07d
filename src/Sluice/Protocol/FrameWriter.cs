using System.Buffers;
using System.Buffers.Binary;

namespace Sluice.Protocol;

/// <summary>Writes frames into a buffer writer (RFC 6455 §5.2). Pure: what is written depends on the arguments alone.</summary>
public static class FrameWriter
{
    // Payloads up to this size are written together with their header into one span.
    private const int SmallPayload = 1024;

    /// <summary>Writes one frame: header and payload, masked when there is a key. Does not check that the frame is allowed.</summary>
    /// <param name="output">Where to; nothing is flushed.</param>
    /// <param name="opcode">What the frame carries.</param>
    /// <param name="payload">The payload, not masked; it is copied and stays as it is.</param>
    /// <param name="maskingKey">A fresh, unpredictable key for a client's frame (§5.3), <see langword="null"/> for a server's.</param>
    /// <param name="fin">Whether this is the last fragment of its message.</param>
    /// <param name="reserved">The reserved bits to set, as an extension agreed.</param>
    public static void Write(
        IBufferWriter<byte> output, Opcode opcode, ReadOnlySpan<byte> payload, uint? maskingKey = null,
        bool fin = true, ReservedBits reserved = ReservedBits.None)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (maskingKey is null && payload.Length <= SmallPayload) WriteSmall(output, opcode, payload, fin, reserved);
        else WriteAny(output, opcode, payload, maskingKey, fin, reserved);
    }

    // Most frames of a server: two or four bytes in front of the payload.
    private static void WriteSmall(IBufferWriter<byte> output, Opcode opcode, ReadOnlySpan<byte> payload, bool fin, ReservedBits reserved)
    {
        var size = payload.Length < FrameHeader.Length16 ? 2 : 4;
        var frame = output.GetSpan(size + payload.Length);
        payload.CopyTo(frame[size..]);
        frame[0] = FrameHeader.FirstByte(opcode, fin, reserved);
        if (size == 2)
        {
            frame[1] = (byte)payload.Length;
        }
        else
        {
            frame[1] = FrameHeader.Length16;
            BinaryPrimitives.WriteUInt16BigEndian(frame[2..], (ushort)payload.Length);
        }
        output.Advance(size + payload.Length);
    }

    private static void WriteAny(
        IBufferWriter<byte> output, Opcode opcode, ReadOnlySpan<byte> payload, uint? maskingKey, bool fin, ReservedBits reserved)
    {
        var header = new FrameHeader(opcode, payload.Length, fin, reserved, maskingKey);
        if (payload.Length <= SmallPayload)
        {
            var span = output.GetSpan(FrameHeader.MaxSize + payload.Length);
            var size = header.Write(span);
            var body = span.Slice(size, payload.Length);
            if (maskingKey is { } key) Masking.Apply(payload, body, key, 0);
            else payload.CopyTo(body);
            output.Advance(size + payload.Length);
            return;
        }
        output.Advance(header.Write(output.GetSpan(FrameHeader.MaxSize)));
        WritePayload(output, payload, maskingKey);
    }

    private static void WritePayload(IBufferWriter<byte> output, ReadOnlySpan<byte> payload, uint? maskingKey)
    {
        var offset = 0;
        while (offset < payload.Length)
        {
            var span = output.GetSpan();
            var length = Math.Min(span.Length, payload.Length - offset);
            var part = payload.Slice(offset, length);
            if (maskingKey is { } key) Masking.Apply(part, span[..length], key, offset & 3);
            else part.CopyTo(span);
            output.Advance(length);
            offset += length;
        }
    }
}
