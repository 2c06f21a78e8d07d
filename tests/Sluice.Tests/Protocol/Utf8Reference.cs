namespace Sluice.Tests.Protocol;

/// <summary>
/// UTF-8 by its definition (RFC 3629 §3), slow and without a table of ranges: a byte is possible when the bits known
/// so far can still grow into a code point that exists and needs this many bytes.
/// </summary>
internal static class Utf8Reference
{
    /// <summary>The offset of the first impossible byte or -1, and whether the bytes end between characters.</summary>
    public static (int BadAt, bool Complete) Check(ReadOnlySpan<byte> bytes)
    {
        int code = 0, length = 0, missing = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            int value = bytes[i];
            if (missing > 0)
            {
                if (value >> 6 != 0b10) return (i, false);
                code = code << 6 | value & 0b11_1111;
                missing--;
            }
            else if (value >> 7 == 0) (code, length) = (value, 1);
            else if (value >> 5 == 0b110) (code, length, missing) = (value & 0b1_1111, 2, 1);
            else if (value >> 4 == 0b1110) (code, length, missing) = (value & 0b1111, 3, 2);
            else if (value >> 3 == 0b1_1110) (code, length, missing) = (value & 0b111, 4, 3);
            else return (i, false);

            var lowest = code << (6 * missing);
            var highest = lowest | (1 << (6 * missing)) - 1;
            if (!AnyExists(lowest, highest, length)) return (i, false);
        }

        return (-1, missing == 0);
    }

    private static bool AnyExists(int lowest, int highest, int length)
    {
        var (first, last) = length switch
        {
            1 => (0, 0x7F),
            2 => (0x80, 0x7FF),
            3 => (0x800, 0xFFFF),
            _ => (0x1_0000, 0x10_FFFF),
        };
        lowest = Math.Max(lowest, first);
        highest = Math.Min(highest, last);
        return lowest <= highest && !(lowest >= 0xD800 && highest <= 0xDFFF); // surrogates are no characters
    }
}
