using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Grammar;

/// <summary>UTF-8, good, cut and bad.</summary>
internal static class Utf8Text
{
    // Both sides of every border of RFC 3629's table.
    private static readonly int[] Borders =
        [0, 0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF];

    public static readonly Gen<byte[]> Character = Gen.OneOf(
            Gen.Elements(Borders), Gen.Choose(0x20, 0x7E), Gen.Choose(0x80, 0x7FF), Gen.Choose(0x10000, 0x10FFFF))
        .Select(value => Encoding.UTF8.GetBytes(new Rune(value).ToString()));

    public static readonly Gen<byte[]> Good = Bytes.Repeat(Character);

    // Overlong forms, surrogates, beyond U+10FFFF, stray continuations, leads without any.
    public static readonly Gen<byte[]> Bad = Gen.OneOf(
        Gen.Elements<byte[]>(
            [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5], [0xFF], [0xFE], [0x80], [0xBF], [0xE2, 0x28], [0xF0, 0x9F, 0x41], [0xF8, 0x88, 0x80, 0x80, 0x80]),
        Character.Select(bytes => bytes[..^1]),
        Bytes.Any.Select(value => new[] { value }));

    /// <summary>Mostly good.</summary>
    public static readonly Gen<byte[]> Near = Gen.Frequency((3, Good), (1, Bytes.Sequence(Good, Bad, Good)), (1, Bytes.Sequence(Good, Bad)));

    public static readonly Gen<byte[]> Long = from text in Near
                                              from times in Gen.Choose(1, 40)
                                              select Enumerable.Repeat(text, times).SelectMany(piece => piece).ToArray();
}
