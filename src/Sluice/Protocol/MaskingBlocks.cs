using System.Numerics;
using System.Runtime.CompilerServices;

namespace Sluice.Protocol;

/// <summary>
/// Masking in blocks of one width (RFC 6455 §5.3), written once for every <see cref="IMaskingBlock{TBlock}"/>.
/// Source and destination are the same place or do not overlap.
/// </summary>
/// <remarks>
/// A length is rarely a multiple of the block, so the first and the last block may overlap their neighbours.
/// Masked twice in place, a byte would be as before; therefore both are read before anything is stored and
/// stored after everything else: what they share with a neighbour is then written twice with the same value.
/// </remarks>
internal static class MaskingBlocks
{
    // From here on it pays to let stores begin at a multiple of the block: none then straddles two cache lines.
    private const int AlignFrom = 256;

    /// <summary>The key as seen from a byte that stands <paramref name="offset"/> bytes further on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint Rotate(uint key, nuint offset)
    {
        var bits = 8 * (int)(offset & 3);
        return BitConverter.IsLittleEndian ? BitOperations.RotateRight(key, bits) : BitOperations.RotateLeft(key, bits);
    }

    /// <summary>One byte at a time; the key's first byte in memory goes with the first byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Bytes(ref byte source, ref byte destination, nuint length, uint key)
    {
        ref var keyBytes = ref Unsafe.As<uint, byte>(ref key);
        for (nuint i = 0; i < length; i++)
            Unsafe.Add(ref destination, i) = (byte)(Unsafe.Add(ref source, i) ^ Unsafe.Add(ref keyBytes, i & 3));
    }

    /// <summary>One to two blocks' worth of bytes: the first and the last block, without a loop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Pair<TBlock, TOperations>(ref byte source, ref byte destination, nuint length, uint key)
        where TBlock : struct
        where TOperations : struct, IMaskingBlock<TBlock>
    {
        var lastAt = length - (nuint)Unsafe.SizeOf<TBlock>();
        var first = TOperations.Load(ref source, 0, TOperations.Repeat(key));
        var last = TOperations.Load(ref source, lastAt, TOperations.Repeat(Rotate(key, lastAt)));
        TOperations.Store(first, ref destination, 0);
        TOperations.Store(last, ref destination, lastAt);
    }

    /// <summary>At least one block's worth of bytes.</summary>
    internal static void Run<TBlock, TOperations>(ref byte source, ref byte destination, nuint length, uint key)
        where TBlock : struct
        where TOperations : struct, IMaskingBlock<TBlock>
    {
        var size = (nuint)Unsafe.SizeOf<TBlock>();
        var lastAt = length - size;
        var first = TOperations.Load(ref source, 0, TOperations.Repeat(key));
        var last = TOperations.Load(ref source, lastAt, TOperations.Repeat(Rotate(key, lastAt)));

        var at = length < AlignFrom ? size : size - Misalignment(ref destination, size);
        var repeated = TOperations.Repeat(Rotate(key, at));
        for (; at + 4 * size <= length; at += 4 * size)
        {
            var a = TOperations.Load(ref source, at, repeated);
            var b = TOperations.Load(ref source, at + size, repeated);
            var c = TOperations.Load(ref source, at + 2 * size, repeated);
            var d = TOperations.Load(ref source, at + 3 * size, repeated);
            TOperations.Store(a, ref destination, at);
            TOperations.Store(b, ref destination, at + size);
            TOperations.Store(c, ref destination, at + 2 * size);
            TOperations.Store(d, ref destination, at + 3 * size);
        }

        for (; at < lastAt; at += size)
            TOperations.Store(TOperations.Load(ref source, at, repeated), ref destination, at);

        TOperations.Store(first, ref destination, 0);
        TOperations.Store(last, ref destination, lastAt);
    }

    // A hint only: should the collector move the buffer meanwhile, the loop is slower and no less right.
    private static unsafe nuint Misalignment(ref byte place, nuint size) =>
        (nuint)Unsafe.AsPointer(ref place) & (size - 1);
}
