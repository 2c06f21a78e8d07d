using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Grammar;

/// <summary>Pieces of inputs, and how they are put together.</summary>
internal static class Bytes
{
    public static readonly Gen<byte> Any = Gen.Choose(0, 255).Select(value => (byte)value);

    public static readonly Gen<byte[]> Noise = Gen.Sized(size => Gen.Choose(0, size).SelectMany(Exactly));

    /// <summary>How a stream is cut, as <see cref="Engine.InputReader.Chunks"/> reads it: mostly small pieces.</summary>
    public static readonly Gen<byte[]> Chunks = Gen.OneOf(
        Gen.Constant(new byte[] { 0 }),
        Gen.Constant(new byte[] { 1, 0 }),
        from count in Gen.Choose(1, 7)
        from sizes in Gen.Frequency((3, Gen.Choose(0, 7)), (1, Gen.Choose(0, 255))).ArrayOf(count)
        select (byte[])[(byte)count, .. sizes.Select(size => (byte)size)]);

    public static Gen<byte[]> Of(params byte[] bytes) => Gen.Constant(bytes);

    public static Gen<byte[]> OneByte(params byte[] bytes) => Gen.Elements(bytes).Select(value => new[] { value });

    /// <summary>So many random bytes. Made from one number: a generator for each byte would take most of the time.</summary>
    public static Gen<byte[]> Exactly(int count) => Gen.Choose(int.MinValue, int.MaxValue).Select(seed =>
    {
        var bytes = new byte[count];
        new System.Random(seed).NextBytes(bytes);
        return bytes;
    });

    public static Gen<byte[]> Sequence(params Gen<byte[]>[] parts)
        => Gen.CollectToArray(parts).Select(pieces => pieces.SelectMany(piece => piece).ToArray());

    /// <summary>None to eight of them: many short inputs find more than few long ones.</summary>
    public static Gen<byte[]> Repeat(Gen<byte[]> part) => Gen.Choose(0, 8).SelectMany(count => part.ArrayOf(count))
        .Select(pieces => pieces.SelectMany(piece => piece).ToArray());

    /// <summary>A block as <see cref="Engine.InputReader.Block"/> reads it.</summary>
    public static Gen<byte[]> Block(Gen<byte[]> content) => content.Select(AsBlock);

    public static byte[] AsBlock(byte[] content) => content.Length < 255
        ? [(byte)content.Length, .. content]
        : [255, (byte)(content.Length >> 8), (byte)content.Length, .. content];
}
