namespace Sluice.Fuzz.Reference;

/// <summary>
/// UTF-8 by its meaning (RFC 3629 §3): a byte is impossible when none of the values that the character could still
/// have may be encoded in so many bytes.
/// </summary>
internal static class ReferenceUtf8
{
    /// <returns>The offset of the first byte that no text can have there; negative: none.</returns>
    public static int FirstImpossible(ReadOnlySpan<byte> text, out bool isComplete)
    {
        isComplete = false;
        for (var at = 0; at < text.Length;)
        {
            var lead = text[at];
            var length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
            if (length == 0) return at;
            var value = length == 1 ? lead : lead & (0x7F >> length);
            if (!CanBecome(value, length, length - 1)) return at;
            for (var i = 1; i < length; i++)
            {
                if (at + i == text.Length) return -1; // cut
                if (text[at + i] >> 6 != 2) return at + i;
                value = (value << 6) | (text[at + i] & 0x3F);
                if (!CanBecome(value, length, length - 1 - i)) return at + i;
            }
            at += length;
        }
        isComplete = true;
        return -1;
    }

    private static bool CanBecome(int bits, int length, int missing)
    {
        var (low, high) = (bits << (6 * missing), ((bits + 1) << (6 * missing)) - 1);
        var (least, most) = length switch
        {
            1 => (0, 0x7F),
            2 => (0x80, 0x7FF),
            3 => (0x800, 0xFFFF),
            _ => (0x10000, 0x10FFFF),
        };
        low = Math.Max(low, least);
        high = Math.Min(high, most);
        if (low > high) return false;
        return low < 0xD800 || high > 0xDFFF; // not all of them surrogates
    }
}
