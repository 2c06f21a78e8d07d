using System.Text.Unicode;

namespace Sluice.Protocol;

/// <summary>
/// Checks that a text message is UTF-8 (RFC 6455 §8.1, RFC 3629) while it arrives in chunks of any size, and
/// fails at the first byte that no valid text can have at its place, without waiting for the character's end.
/// </summary>
/// <remarks>
/// One validator follows one message; the default value is ready for use. It keeps no reference to a chunk and
/// allocates nothing. Not thread-safe. A copy goes its own way: keep it in a variable or a field that is not readonly.
/// </remarks>
public struct Utf8Validator
{
    private const byte Failed = 0xFF;

    // How many bytes the character under way still lacks, or Failed; and between which values the next one must be.
    private byte _open;
    private byte _low;
    private byte _high;

    /// <summary>
    /// How many bytes were good since the start or the last <see cref="Reset"/>. After a failure this is the offset
    /// of the first impossible byte in the message.
    /// </summary>
    public long ValidLength { get; private set; }

    /// <summary>Whether the message may end here: nothing failed and the last character is whole.</summary>
    public readonly bool IsComplete => _open == 0;

    /// <summary>Makes the validator ready for the next message.</summary>
    public void Reset() => this = default;

    /// <summary>Checks the next bytes of the message.</summary>
    /// <param name="chunk">Unmasked, decompressed bytes; may be empty, may begin or end inside a character.</param>
    /// <returns>
    /// False when the message can't be UTF-8 any more, for this and every further chunk until <see cref="Reset"/>;
    /// the bad byte is at <see cref="ValidLength"/>. At the end of the message ask <see cref="IsComplete"/> too.
    /// </returns>
    public bool TryAppend(ReadOnlySpan<byte> chunk)
    {
        // The common case: a chunk between two characters. Utf8.IsValid is vectorised, but says no to a character
        // that the chunk's end cuts, and never where.
        if (_open != 0 || (!chunk.IsEmpty && chunk[^1] >= 0x80) || !Utf8.IsValid(chunk)) return TryAppendCut(chunk);
        ValidLength += chunk.Length;
        return true;
    }

    private bool TryAppendCut(ReadOnlySpan<byte> chunk)
    {
        if (_open == Failed) return false;
        var at = 0;
        for (; _open > 0 && at < chunk.Length; at++)
        {
            if (!Accept(chunk[at])) return Fail(at);
        }

        // Whole characters go the fast way; byte by byte goes the rest, or all of it to find the place that is wrong.
        var whole = chunk[at..^CutLength(chunk[at..])];
        if (Utf8.IsValid(whole)) at += whole.Length;
        for (; at < chunk.Length; at++)
        {
            if (!Accept(chunk[at])) return Fail(at);
        }

        ValidLength += chunk.Length;
        return true;
    }

    /// <summary>How many bytes at the end belong to a character that goes on in the next chunk, 0 to 3.</summary>
    private static int CutLength(ReadOnlySpan<byte> bytes)
    {
        for (var length = 1; length <= 3 && length <= bytes.Length; length++)
        {
            var lead = bytes[^length];
            if (lead < 0x80) return 0;
            if (lead < 0xC0) continue; // a continuation byte: the lead is further ahead
            var needed = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
            return needed > length ? length : 0;
        }

        return 0;
    }

    private bool Accept(byte value)
    {
        if (_open == 0) return value < 0x80 || Open(value);
        if (value < _low || value > _high) return false;
        _open--;
        (_low, _high) = (0x80, 0xBF);
        return true;
    }

    // RFC 3629 §4. What a lead does not allow is an overlong form, a surrogate or beyond U+10FFFF.
    private bool Open(byte lead)
    {
        (_open, _low, _high) = lead switch
        {
            >= 0xC2 and <= 0xDF => ((byte)1, (byte)0x80, (byte)0xBF),
            0xE0 => ((byte)2, (byte)0xA0, (byte)0xBF), // below A0: overlong
            0xED => ((byte)2, (byte)0x80, (byte)0x9F), // above 9F: surrogates
            >= 0xE1 and <= 0xEF => ((byte)2, (byte)0x80, (byte)0xBF),
            0xF0 => ((byte)3, (byte)0x90, (byte)0xBF), // below 90: overlong
            0xF4 => ((byte)3, (byte)0x80, (byte)0x8F), // above 8F: beyond U+10FFFF
            >= 0xF1 and <= 0xF3 => ((byte)3, (byte)0x80, (byte)0xBF),
            _ => default, // 80–BF continue nothing; C0, C1 and F5–FF lead nothing
        };
        return _open > 0;
    }

    private bool Fail(int at)
    {
        _open = Failed;
        ValidLength += at;
        return false;
    }
}
