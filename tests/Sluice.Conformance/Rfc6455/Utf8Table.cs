using System.Text;

namespace Sluice.Conformance.Rfc6455;

/// <summary>What RFC 3629 §3 and §4 allow and forbid, at every edge of its table.</summary>
internal static class Utf8Table
{
    private static readonly int[] Edges =
    [
        0, 0x1f, 0x7e, 0x7f, 0x80, 0xff, 0x100, 0x7fe, 0x7ff, 0x800, 0x801, 0xfff, 0x1000, 0xcfff, 0xd000, 0xd7fe, 0xd7ff,
        0xe000, 0xe001, 0xf8ff, 0xfdcf, 0xfdd0, 0xfdef, 0xfefe, 0xfeff, 0xfffc, 0xfffd, 0xfffe, 0xffff,
        0x10000, 0x10001, 0x1f600, 0x1fffe, 0x1ffff, 0x2fffe, 0x2ffff, 0x3fffe, 0x3ffff, 0x40000, 0x4ffff, 0x7ffff, 0x80000,
        0xbffff, 0xc0000, 0xe0001, 0xfffff, 0x100000, 0x10fffd, 0x10fffe, 0x10ffff,
    ];

    /// <summary>One character of each kind, and some that must not be normalised or dropped: a byte order mark, combining marks.</summary>
    public static IEnumerable<byte[]> Valid =>
    [
        .. Edges.Select(value => Encoding.UTF8.GetBytes(new Rune(value).ToString())),
        Encoding.UTF8.GetBytes("\ufeff\ufeff"), Encoding.UTF8.GetBytes("e\u0301\u0302"), Encoding.UTF8.GetBytes("\u202e\u200d\u0000"),
    ];

    /// <summary>Bytes, and which of them is the first that no UTF-8 can have there.</summary>
    public static IReadOnlyList<(byte[] Bytes, int At)> Impossible { get; } =
    [
        // A continuation byte that continues nothing; leads of two bytes that are overlong; leads that lead nothing.
        Row("80", 0), Row("BF", 0), Row("8080", 0), Row("C080", 0), Row("C1BF", 0), Row("C0", 0), Row("C1", 0),
        Row("F5808080", 0), Row("F6808080", 0), Row("F7BFBFBF", 0), Row("F888808080", 0), Row("FBBFBFBFBF", 0), Row("FC8480808080", 0), Row("FDBFBFBFBFBF", 0),
        Row("FE", 0), Row("FF", 0), Row("FEFFFEFF", 0),
        // One byte too many.
        Row("C28080", 2), Row("E0A08080", 3), Row("F0908080BF", 4), Row("41BF", 1),
        // A character that breaks off.
        Row("C241", 1), Row("C2C2", 1), Row("C27F", 1), Row("C2C0", 1), Row("DFFF", 1), Row("E141", 1), Row("E1C0", 1), Row("E18041", 2), Row("E180C0", 2), Row("EFBF7F", 2),
        Row("F141", 1), Row("F18041", 2), Row("F1808041", 3), Row("F18080C0", 3), Row("F4E2", 1), Row("F09D84C3", 3),
        // Overlong forms of three and four bytes, known by the second.
        Row("E08080", 1), Row("E09FBF", 1), Row("E0AF", 2, "2F"), Row("F0808080", 1), Row("F08080AF", 1), Row("F08282AC", 1), Row("F08FBFBF", 1),
        // Surrogates, alone and in pairs.
        Row("EDA080", 1), Row("EDAD80", 1), Row("EDADBF", 1), Row("EDAE80", 1), Row("EDAFBF", 1), Row("EDB080", 1), Row("EDBE80", 1), Row("EDBFBF", 1),
        Row("EDA080EDB080", 1), Row("EDAFBFEDBFBF", 1),
        // Beyond U+10FFFF.
        Row("F4908080", 1), Row("F4A08080", 1), Row("F4BFBFBF", 1), Row("F48FBFC0", 3),
    ];

    /// <summary>Beginnings of characters.</summary>
    public static IReadOnlyList<byte[]> Unfinished { get; } =
    [
        .. new[] { "C2", "DF", "E0", "E0A0", "E1", "E180", "ED", "ED9F", "EFBF", "F0", "F090", "F09080", "F3BFBF", "F4", "F48F", "F48FBF" }
            .Select(Convert.FromHexString),
    ];

    private static (byte[] Bytes, int At) Row(string hex, int at, string more = "") => (Convert.FromHexString(hex + more), at);
}
