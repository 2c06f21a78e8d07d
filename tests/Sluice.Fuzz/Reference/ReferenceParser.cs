using System.Buffers.Binary;

namespace Sluice.Fuzz.Reference;

/// <summary>A frame as the reference sees it.</summary>
/// <param name="First">The first byte.</param>
/// <param name="Length">Its announced length.</param>
/// <param name="Key">The masking key, or nothing.</param>
/// <param name="Payload">What has come of it, unmasked.</param>
/// <param name="End">The offset in the stream behind the last byte of it that has come.</param>
internal sealed record ReferenceFrame(byte First, long Length, byte[]? Key, byte[] Payload, int End)
{
    public bool IsControl => (First & 8) != 0;

    public bool IsWhole => Payload.Length == Length;
}

/// <summary>
/// RFC 6455 §5 a second time: the whole stream at hand, frame by frame, without regard to speed. Shares nothing with
/// the code under test.
/// </summary>
internal sealed class ReferenceParser
{
    private ReferenceParser(List<ReferenceFrame> frames, int? brokenAt)
    {
        Frames = frames;
        BrokenAt = brokenAt;
    }

    /// <summary>The frames whose header is whole and in order; the last one's payload may be cut.</summary>
    public List<ReferenceFrame> Frames { get; }

    /// <summary>The offset of the first byte that shows a violation of §5, if one does.</summary>
    public int? BrokenAt { get; }

    /// <param name="stream">All bytes that one side sent.</param>
    /// <param name="masked">Whether the frames must be masked; otherwise they must not.</param>
    /// <param name="extensions">The reserved bits that text and binary frames may have.</param>
    /// <param name="rules">Whether the rules hold, or only what can't be walked over is wrong: bit 63.</param>
    public static ReferenceParser Parse(ReadOnlySpan<byte> stream, bool masked, int extensions = 0, bool rules = true)
    {
        var frames = new List<ReferenceFrame>();
        var open = false;
        for (var at = 0; at < stream.Length;)
        {
            var rest = stream[at..];
            if (rules && FindBreach(rest, masked, extensions, open) is { } offset) return new(frames, at + offset);
            if (!TryReadLength(rest, out var length, out var size)) break;
            if (length < 0) return new(frames, at + (rules ? 2 : size - 1));
            byte[]? key = null;
            if ((rest[1] & 0x80) != 0)
            {
                if (rest.Length < size + 4) break;
                key = rest.Slice(size, 4).ToArray();
                size += 4;
            }
            if (rest.Length < size) break;
            var payload = rest.Slice(size, (int)Math.Min(length, rest.Length - size)).ToArray();
            for (var i = 0; key is not null && i < payload.Length; i++) payload[i] ^= key[i % 4];
            at += size + payload.Length;
            var first = rest[0];
            if ((first & 8) == 0) open = (first & 0x80) == 0;
            frames.Add(new(first, length, key, payload, at));
        }
        return new(frames, null);
    }

    // Byte by byte: what can each one show that those before it could not?
    private static int? FindBreach(ReadOnlySpan<byte> frame, bool masked, int extensions, bool open)
    {
        var (fin, reserved, opcode) = (frame[0] >> 7 != 0, frame[0] & 0x70, frame[0] & 15);
        if (opcode is not (0 or 1 or 2 or 8 or 9 or 10)) return 0;
        if (reserved != 0 && (opcode is not (1 or 2) || (reserved & ~extensions) != 0)) return 0;
        if (opcode >= 8 && !fin) return 0;
        if (opcode == 0 && !open) return 0;
        if (opcode is 1 or 2 && open) return 0;
        if (frame.Length < 2) return null;
        if (frame[1] >> 7 != 0 != masked) return 1;
        var length = frame[1] & 127;
        if (opcode >= 8 && length > 125) return 1;
        if (opcode == 8 && length == 1) return 1; // §5.5.1: a code has two bytes
        if (length == 126) return frame.Length >= 4 && BinaryPrimitives.ReadUInt16BigEndian(frame[2..]) < 126 ? 3 : null;
        if (length < 126) return null;
        if (frame.Length >= 3 && frame[2] >= 128) return 2;
        // After six zeros the last two bytes can't make 65536 any more.
        for (var i = 2; i < 8; i++)
        {
            if (frame.Length <= i || frame[i] != 0) return null;
        }
        return 7;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> frame, out long length, out int size)
    {
        length = 0;
        size = 2;
        if (frame.Length < 2) return false;
        length = frame[1] & 127;
        if (length < 126) return true;
        size = length == 126 ? 4 : 10;
        if (frame.Length < size) return false;
        length = size == 4 ? BinaryPrimitives.ReadUInt16BigEndian(frame[2..]) : BinaryPrimitives.ReadInt64BigEndian(frame[2..]);
        return true;
    }
}
