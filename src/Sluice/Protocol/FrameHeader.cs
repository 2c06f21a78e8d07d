using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Sluice.Protocol;

/// <summary>
/// The header of one frame (RFC 6455 §5.2): 2 to 14 bytes. A value, read from and written to the caller's buffers.
/// Reading is structural only; <see cref="FrameRules"/> says whether a header is allowed.
/// </summary>
public readonly struct FrameHeader
{
    /// <summary>The longest header: 2 bytes, 8 of extended length, 4 of masking key.</summary>
    public const int MaxSize = 14;

    /// <summary>The most payload that a control frame may carry (§5.5).</summary>
    public const int MaxControlPayload = 125;

    /// <summary>In place of a length: two bytes of it follow. Shorter ones stand for themselves.</summary>
    internal const byte Length16 = 126;

    private const byte FinBit = 0x80;
    private const byte MaskBit = 0x80;
    private const byte Length64 = 127;

    private readonly byte _first;

    /// <summary>A header to be written.</summary>
    /// <param name="opcode">What the frame carries.</param>
    /// <param name="payloadLength">Bytes of payload, 0 or more.</param>
    /// <param name="fin">Whether this is the last fragment of its message.</param>
    /// <param name="reserved">The reserved bits to set, as an extension agreed.</param>
    /// <param name="maskingKey">The masking key for a client's frame, <see langword="null"/> for a server's.</param>
    public FrameHeader(
        Opcode opcode, long payloadLength, bool fin = true, ReservedBits reserved = ReservedBits.None, uint? maskingKey = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        _first = FirstByte(opcode, fin, reserved);
        PayloadLength = payloadLength;
        Masked = maskingKey.HasValue;
        MaskingKey = maskingKey.GetValueOrDefault();
    }

    private FrameHeader(byte first, long payloadLength, bool masked, uint maskingKey)
    {
        _first = first;
        PayloadLength = payloadLength;
        Masked = masked;
        MaskingKey = maskingKey;
    }

    /// <summary>Whether this is the last (or only) fragment of its message.</summary>
    public bool Fin => (_first & FinBit) != 0;

    /// <summary>The reserved bits RSV1 to RSV3 that are set.</summary>
    public ReservedBits Reserved => (ReservedBits)_first & ReservedBits.All;

    /// <summary>What the frame carries; any of the 16 values of the field.</summary>
    public Opcode Opcode => (Opcode)(_first & 0x0F);

    /// <summary>Whether the opcode is of a control frame: close, ping, pong or one of 11–15 (§5.5).</summary>
    public bool IsControl => (_first & 0x08) != 0;

    /// <summary>Whether a masking key is there.</summary>
    public bool Masked { get; }

    /// <summary>
    /// The masking key, its four bytes in the order of the wire and of memory, as <see cref="Masking"/> takes it; 0 when not masked.
    /// </summary>
    public uint MaskingKey { get; }

    /// <summary>Bytes of payload. Negative only when a read header had the forbidden bit 63 set (<see cref="FrameRules"/> refuses it).</summary>
    public long PayloadLength { get; }

    /// <summary>How many bytes the header takes on the wire.</summary>
    public int Size => 2 + (PayloadLength < Length16 ? 0 : PayloadLength <= ushort.MaxValue ? 2 : 8) + (Masked ? 4 : 0);

    /// <summary>Reads a header from the start of <paramref name="source"/>.</summary>
    /// <param name="source">Bytes from the start of a frame on.</param>
    /// <param name="header">The header.</param>
    /// <param name="consumed">How many bytes it took.</param>
    /// <returns><see langword="false"/> when there are not enough bytes yet; nothing is consumed then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParse(ReadOnlySpan<byte> source, out FrameHeader header, out int consumed)
    {
        if (source.Length < 2)
        {
            header = default;
            consumed = 0;
            return false;
        }
        var masked = (source[1] & MaskBit) != 0;
        var keySize = masked ? 4 : 0;
        long length = source[1] & 0x7F;
        if (length < Length16 && source.Length >= 2 + keySize)
        {
            header = new FrameHeader(source[0], length, masked, masked ? Unsafe.ReadUnaligned<uint>(in source[2]) : 0);
            consumed = 2 + keySize;
            return true;
        }
        return TryParseExtended(source, length, masked, keySize, out header, out consumed);
    }

    private static bool TryParseExtended(
        ReadOnlySpan<byte> source, long length, bool masked, int keySize, out FrameHeader header, out int consumed)
    {
        header = default;
        consumed = 0;
        var size = 2 + (length < Length16 ? 0 : length == Length16 ? 2 : 8) + keySize;
        if (source.Length < size) return false;
        if (length == Length16) length = BinaryPrimitives.ReadUInt16BigEndian(source[2..]);
        else if (length == Length64) length = BinaryPrimitives.ReadInt64BigEndian(source[2..]);
        var key = masked ? Unsafe.ReadUnaligned<uint>(in source[size - 4]) : 0;
        header = new FrameHeader(source[0], length, masked, key);
        consumed = size;
        return true;
    }

    /// <summary>The first byte of a frame.</summary>
    internal static byte FirstByte(Opcode opcode, bool fin, ReservedBits reserved) => (byte)((fin ? FinBit : 0) | (byte)reserved | (byte)opcode);

    /// <summary>Writes the header, its length in the shortest form (§5.2).</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes; <see cref="MaxSize"/> always do.</param>
    /// <returns>How many bytes were written.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public int Write(Span<byte> destination)
    {
        var size = Size;
        if (destination.Length < size) throw new ArgumentException($"the header takes {size} bytes", nameof(destination));
        var mask = Masked ? MaskBit : 0;
        destination[0] = _first;
        if (PayloadLength < Length16)
        {
            destination[1] = (byte)(mask | (int)PayloadLength);
        }
        else if (PayloadLength <= ushort.MaxValue)
        {
            destination[1] = (byte)(mask | Length16);
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)PayloadLength);
        }
        else
        {
            destination[1] = (byte)(mask | Length64);
            BinaryPrimitives.WriteInt64BigEndian(destination[2..], PayloadLength);
        }
        if (Masked) Unsafe.WriteUnaligned(ref destination[size - 4], MaskingKey);
        return size;
    }
}
