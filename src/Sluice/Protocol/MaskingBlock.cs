using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Sluice.Protocol;

/// <summary>What masking asks of a block of bytes of one width; places need no alignment.</summary>
/// <typeparam name="TBlock">A machine word or a vector; its size is a multiple of four bytes.</typeparam>
internal interface IMaskingBlock<TBlock>
    where TBlock : struct
{
    /// <summary>The key, side by side as often as it fits.</summary>
    static abstract TBlock Repeat(uint key);

    /// <summary>The block at <paramref name="place"/> + <paramref name="at"/>, masked.</summary>
    static abstract TBlock Load(ref byte place, nuint at, TBlock key);

    /// <summary>Writes the block to <paramref name="place"/> + <paramref name="at"/>.</summary>
    static abstract void Store(TBlock block, ref byte place, nuint at);
}

internal readonly struct UInt32Block : IMaskingBlock<uint>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Repeat(uint key) => key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Load(ref byte place, nuint at, uint key) =>
        Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref place, at)) ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(uint block, ref byte place, nuint at) =>
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref place, at), block);
}

internal readonly struct UInt64Block : IMaskingBlock<ulong>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Repeat(uint key) => (ulong)key << 32 | key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Load(ref byte place, nuint at, ulong key) =>
        Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref place, at)) ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ulong block, ref byte place, nuint at) =>
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref place, at), block);
}

internal readonly struct Vector128Block : IMaskingBlock<Vector128<uint>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Repeat(uint key) => Vector128.Create(key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<uint> Load(ref byte place, nuint at, Vector128<uint> key) =>
        Vector128.LoadUnsafe(ref place, at).AsUInt32() ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<uint> block, ref byte place, nuint at) =>
        block.AsByte().StoreUnsafe(ref place, at);
}

internal readonly struct Vector256Block : IMaskingBlock<Vector256<uint>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Repeat(uint key) => Vector256.Create(key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<uint> Load(ref byte place, nuint at, Vector256<uint> key) =>
        Vector256.LoadUnsafe(ref place, at).AsUInt32() ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<uint> block, ref byte place, nuint at) =>
        block.AsByte().StoreUnsafe(ref place, at);
}

internal readonly struct Vector512Block : IMaskingBlock<Vector512<uint>>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Repeat(uint key) => Vector512.Create(key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Load(ref byte place, nuint at, Vector512<uint> key) =>
        Vector512.LoadUnsafe(ref place, at).AsUInt32() ^ key;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<uint> block, ref byte place, nuint at) =>
        block.AsByte().StoreUnsafe(ref place, at);
}
