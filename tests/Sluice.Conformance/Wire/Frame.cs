using System.Buffers.Binary;
using System.Text;

namespace Sluice.Conformance.Wire;

/// <summary>
/// A frame that the peer sends, right or wrong in any way, made from RFC 6455 §5.2 alone: nothing of the library builds it.
/// </summary>
public sealed record Frame(int Opcode, byte[] Payload)
{
    private static readonly byte[] SomeKey = [0x37, 0xfa, 0x21, 0x3d];

    public bool Fin { get; init; } = true;

    /// <summary>RSV1 is 4, RSV2 is 2, RSV3 is 1.</summary>
    public int Reserved { get; init; }

    /// <summary>Masked where the sender must not, or not where it must (§5.1).</summary>
    public bool WronglyMasked { get; init; }

    public byte[] Key { get; init; } = SomeKey;

    /// <summary>The length in the header, where it is not the payload's.</summary>
    public ulong? Announced { get; init; }

    /// <summary>2 or 8 for an extended length of that size, needed or not; 0 for the shortest.</summary>
    public int LengthBytes { get; init; }

    /// <summary>How many bytes of the frame are sent; the rest is withheld.</summary>
    public int? Sent { get; init; }

    public static Frame Text(string text) => new(1, Encoding.UTF8.GetBytes(text));

    public static Frame Text(byte[] bytes) => new(1, bytes);

    public static Frame Binary(params byte[] bytes) => new(2, bytes);

    public static Frame Continuation(string text) => new(0, Encoding.UTF8.GetBytes(text));

    public static Frame Continuation(byte[] bytes) => new(0, bytes);

    public static Frame Ping(string text = "") => new(9, Encoding.UTF8.GetBytes(text));

    public static Frame Ping(byte[] bytes) => new(9, bytes);

    public static Frame Pong(string text = "") => new(10, Encoding.UTF8.GetBytes(text));

    public static Frame Pong(byte[] bytes) => new(10, bytes);

    /// <summary>A close frame without a payload.</summary>
    public static Frame Close() => new(8, []);

    public static Frame Close(int code, string reason = "") => Close(code, Encoding.UTF8.GetBytes(reason));

    public static Frame Close(int code, byte[] reason) => new(8, [(byte)(code >> 8), (byte)code, .. reason]);

    /// <summary>A fragment that others follow.</summary>
    public Frame Unfinished() => this with { Fin = false };

    public Frame Rsv(int bits) => this with { Reserved = bits };

    /// <summary>Only the frame's first bytes are sent.</summary>
    public Frame Cut(int bytes) => this with { Sent = bytes };

    /// <summary>The whole length is announced, but only so much of the payload is sent.</summary>
    public Frame Withheld(int payloadSent)
        => this with { Payload = Payload[..payloadSent], Announced = Announced ?? (ulong)Payload.Length };

    public byte[] ToBytes(Side sender)
    {
        var masked = (sender == Side.Client) != WronglyMasked;
        var length = Announced ?? (ulong)Payload.Length;
        var lengthBytes = LengthBytes != 0 ? LengthBytes : length < 126 ? 0 : length <= 0xffff ? 2 : 8;
        var extended = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(extended, length);
        var second = (masked ? 0x80 : 0) | (lengthBytes == 0 ? (int)length : lengthBytes == 2 ? 126 : 127);
        var first = (Fin ? 0x80 : 0) | (Reserved << 4) | Opcode;
        byte[] bytes = [(byte)first, (byte)second, .. extended[(8 - lengthBytes)..], .. masked ? Key : [], .. Payload];
        for (var i = 0; masked && i < Payload.Length; i++) bytes[bytes.Length - Payload.Length + i] ^= Key[i & 3];
        return Sent is { } sent ? bytes[..sent] : bytes;
    }
}
