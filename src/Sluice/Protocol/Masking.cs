using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Sluice.Protocol;

/// <summary>
/// Masks and unmasks payloads (RFC 6455 §5.3): byte <c>i</c> of a frame's payload is XORed with byte
/// <c>i mod 4</c> of the masking key, so the same call does both. Thread-safe; allocates nothing.
/// </summary>
/// <remarks>
/// A key is the four bytes of the frame header read in memory order, whatever the machine's byte order:
/// <c>MemoryMarshal.Read&lt;uint&gt;(wireBytes)</c>, and <c>MemoryMarshal.Write(wireBytes, key)</c> to send it.
/// A payload that arrives in pieces is masked piece by piece: each call returns the offset for the next one.
/// <code>
/// var offset = 0;
/// foreach (var piece in pieces) offset = Masking.Apply(piece, key, offset);
/// </code>
/// </remarks>
public static class Masking
{
    /// <summary>Masks or unmasks bytes where they are.</summary>
    /// <param name="payload">Any part of a frame's payload; may be empty.</param>
    /// <param name="key">The masking key, in memory order.</param>
    /// <param name="offset">The position of <c>payload[0]</c> in the frame's payload; its value mod 4 counts.</param>
    /// <returns>The offset for the piece that follows, 0 to 3.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Apply(Span<byte> payload, uint key, int offset)
    {
        ref var start = ref MemoryMarshal.GetReference(payload);
        Apply(ref start, ref start, (nuint)(uint)payload.Length, MaskingBlocks.Rotate(key, (nuint)(uint)offset));
        return (offset + payload.Length) & 3;
    }

    /// <summary>Masks or unmasks bytes on their way into another buffer.</summary>
    /// <param name="source">Any part of a frame's payload; may be empty.</param>
    /// <param name="destination">
    /// Gets <c>source.Length</c> bytes; what lies behind them stays as it is. It may start at the same byte as
    /// <paramref name="source"/>; overlapping it in any other way gives undefined bytes.
    /// </param>
    /// <param name="key">The masking key, in memory order.</param>
    /// <param name="offset">The position of <c>source[0]</c> in the frame's payload; its value mod 4 counts.</param>
    /// <returns>The offset for the piece that follows, 0 to 3.</returns>
    /// <exception cref="ArgumentException">The destination is shorter than the source; nothing was written.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Apply(ReadOnlySpan<byte> source, Span<byte> destination, uint key, int offset)
    {
        if (destination.Length < source.Length) ThrowTooShort(source.Length, destination.Length);
        Apply(
            ref MemoryMarshal.GetReference(source),
            ref MemoryMarshal.GetReference(destination),
            (nuint)(uint)source.Length,
            MaskingBlocks.Rotate(key, (nuint)(uint)offset));
        return (offset + source.Length) & 3;
    }

    // Most payloads are short: up to 64 bytes take two blocks that overlap, without a loop.
    private static void Apply(ref byte source, ref byte destination, nuint length, uint key)
    {
        if (length < 4)
            MaskingBlocks.Bytes(ref source, ref destination, length, key);
        else if (length < 8)
            MaskingBlocks.Pair<uint, UInt32Block>(ref source, ref destination, length, key);
        else if (length <= 16)
            MaskingBlocks.Pair<ulong, UInt64Block>(ref source, ref destination, length, key);
        else if (!Vector128.IsHardwareAccelerated)
            MaskingBlocks.Run<ulong, UInt64Block>(ref source, ref destination, length, key);
        else if (length <= 32)
            MaskingBlocks.Pair<Vector128<uint>, Vector128Block>(ref source, ref destination, length, key);
        else if (!Vector256.IsHardwareAccelerated)
            MaskingBlocks.Run<Vector128<uint>, Vector128Block>(ref source, ref destination, length, key);
        else if (length <= 64)
            MaskingBlocks.Pair<Vector256<uint>, Vector256Block>(ref source, ref destination, length, key);
        else if (!Vector512.IsHardwareAccelerated)
            MaskingBlocks.Run<Vector256<uint>, Vector256Block>(ref source, ref destination, length, key);
        else
            MaskingBlocks.Run<Vector512<uint>, Vector512Block>(ref source, ref destination, length, key);
    }

    private static void ThrowTooShort(int source, int destination) => throw new ArgumentException(
        $"the destination holds {destination} bytes, the source has {source}: pass a destination at least as long",
        nameof(destination));
}
