using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Grammar;

/// <summary>Frames of RFC 6455 §5.2: good ones, ones with one thing wrong, and streams of them. Written here from the RFC,
/// not by the code under test.</summary>
internal static class Frames
{
    private static readonly byte[] GoodFirst = [0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A];

    private static readonly Gen<int> Length = Gen.Frequency(
        (500, Gen.Choose(0, 20)), (60, Gen.Choose(120, 131)), (10, Gen.Elements(1000, 4096)), (1, Gen.Elements(65535, 65536)));

    private static readonly Gen<byte[]> BinaryPayload = Length.SelectMany(Bytes.Exactly);

    private static readonly Gen<byte[]> CloseReason = Gen.Frequency((3, Gen.Constant(Array.Empty<byte>())), (2, Utf8Text.Good), (1, Utf8Text.Near));

    private static readonly Gen<int> CloseCode = Gen.Frequency(
        (5, Gen.Choose(1000, 1015)), (1, Gen.Elements(0, 999, 1016, 2999, 3000, 3999, 4000, 4999, 5000, 65535)), (1, Gen.Choose(0, 65535)));

    public static readonly Gen<byte[]> ClosePayload = Gen.Frequency(
        (1, Gen.Constant(Array.Empty<byte>())),
        (1, Bytes.Exactly(1)),
        (6, from code in CloseCode
            from reason in CloseReason
            select (byte[])[(byte)(code >> 8), (byte)code, .. reason]));

    private static readonly Gen<byte[]> Key = Gen.Frequency((1, Gen.Constant(new byte[4])), (3, Bytes.Exactly(4)));

    /// <summary>A frame that the rules allow, wherever it may stand.</summary>
    /// <param name="masked">As the receiver's role demands.</param>
    public static Gen<byte[]> Good(bool masked) => Gen.Frequency(
        (4, Frame(Bytes.OneByte(0x81, 0x81, 0x01), Utf8Text.Near, masked)),
        (4, Frame(Bytes.OneByte(0x82, 0x82, 0x02), BinaryPayload, masked)),
        (4, Frame(Bytes.OneByte(0x00, 0x80), Gen.OneOf(BinaryPayload, Utf8Text.Near), masked)),
        (3, Frame(Bytes.OneByte(0x89, 0x8A), BinaryPayload.Where(payload => payload.Length <= 125), masked)));

    public static Gen<byte[]> Close(bool masked)
        => Frame(Bytes.Of(0x88), ClosePayload.Where(payload => payload.Length <= 125), masked);

    /// <summary>A whole message in fragments, with control frames between them.</summary>
    public static Gen<byte[]> Message(bool masked)
        => from text in Gen.Elements(true, false)
           from payload in text ? Utf8Text.Near : BinaryPayload
           from cuts in Gen.Choose(0, payload.Length).ListOf().Select(list => list.Take(6).Order().ToArray())
           from keys in Key.ArrayOf(cuts.Length + 1)
           from between in Gen.Frequency((3, Gen.Constant(Array.Empty<byte>())), (1, Frame(Bytes.OneByte(0x89, 0x8A), Bytes.Exactly(3), masked)))
               .ArrayOf(cuts.Length + 1)
           select Fragments(text, payload, cuts, keys, between, masked);

    /// <summary>A frame with something wrong, or at the border of it.</summary>
    public static Gen<byte[]> Wrong(bool masked) => Gen.OneOf(
        Frame(Bytes.Exactly(1), BinaryPayload, masked),
        Frame(Bytes.OneByte(GoodFirst), BinaryPayload, !masked),
        Frame(Bytes.OneByte(0x88, 0x89, 0x8A), Gen.Choose(120, 130).SelectMany(Bytes.Exactly), masked),
        Frame(Bytes.OneByte(0x08, 0x09, 0x0A), Bytes.Exactly(2), masked),
        Bytes.Sequence(Bytes.OneByte(GoodFirst), OddLength(masked), Bytes.Exactly(6)),
        Good(masked).SelectMany(frame => Gen.Choose(0, frame.Length).Select(length => frame[..length])),
        Bytes.Noise);

    /// <summary>What one side of a connection may send.</summary>
    public static Gen<byte[]> Stream(bool masked) => Bytes.Sequence(
        Bytes.Repeat(Gen.Frequency((6, Message(masked)), (4, Good(masked)), (1, Close(masked)), (1, Wrong(masked)))),
        Gen.Frequency((2, Close(masked)), (1, Wrong(masked)), (1, Gen.Constant(Array.Empty<byte>()))));

    public static byte[] Build(byte first, byte[] payload, byte[]? key)
    {
        var frame = new List<byte>(payload.Length + 14) { first };
        var mask = key is null ? 0 : 0x80;
        var extended = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(extended, payload.Length);
        if (payload.Length < 126) frame.Add((byte)(mask | payload.Length));
        else if (payload.Length < 65536) frame.AddRange([(byte)(mask | 126), .. extended[6..]]);
        else frame.AddRange([(byte)(mask | 127), .. extended]);
        if (key is not null) frame.AddRange(key);
        for (var i = 0; i < payload.Length; i++) frame.Add((byte)(payload[i] ^ (key is null ? 0 : key[i & 3])));
        return [.. frame];
    }

    private static Gen<byte[]> Frame(Gen<byte[]> first, Gen<byte[]> payload, bool masked)
        => from head in first
           from body in payload
           from key in Key
           select Build(head[0], body, masked ? key : null);

    // Lengths not in their shortest form, beyond any memory, with bit 63.
    private static Gen<byte[]> OddLength(bool masked)
    {
        var mask = (byte)(masked ? 0x80 : 0);
        return Gen.OneOf(
            from low in Bytes.Any
            select (byte[])[(byte)(mask | 126), 0, low],
            from low in Bytes.Exactly(2)
            select (byte[])[(byte)(mask | 127), 0, 0, 0, 0, 0, 0, .. low],
            from high in Bytes.OneByte(0x80, 0x7F, 0xFF, 0x00, 0x40)
            from low in Bytes.Exactly(7)
            select (byte[])[(byte)(mask | 127), high[0], .. low]);
    }

    private static byte[] Fragments(bool text, byte[] payload, int[] cuts, byte[][] keys, byte[][] between, bool masked)
    {
        var stream = new List<byte>();
        var from = 0;
        for (var i = 0; i <= cuts.Length; i++)
        {
            var to = i < cuts.Length ? cuts[i] : payload.Length;
            var first = (i == 0 ? (text ? 1 : 2) : 0) | (i == cuts.Length ? 0x80 : 0);
            stream.AddRange(Build((byte)first, payload[from..to], masked ? keys[i] : null));
            if (i < cuts.Length) stream.AddRange(between[i]);
            from = to;
        }
        return [.. stream];
    }
}
