using System.Runtime.Intrinsics;
using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

/// <summary>One width of block with its two forms; the runtime emulates vectors that the machine lacks.</summary>
internal sealed record MaskingWidth(string Name, int Bytes, MaskingWidth.Form Run, MaskingWidth.Form Pair)
{
    public delegate void Form(ref byte source, ref byte destination, nuint length, uint key);

    public static readonly MaskingWidth[] All =
    [
        Of<uint, UInt32Block>(4),
        Of<ulong, UInt64Block>(8),
        Of<Vector128<uint>, Vector128Block>(16),
        Of<Vector256<uint>, Vector256Block>(32),
        Of<Vector512<uint>, Vector512Block>(64),
    ];

    private static MaskingWidth Of<TBlock, TOperations>(int bytes)
        where TBlock : struct
        where TOperations : struct, IMaskingBlock<TBlock> =>
        new(
            typeof(TOperations).Name,
            bytes,
            MaskingBlocks.Run<TBlock, TOperations>,
            MaskingBlocks.Pair<TBlock, TOperations>);
}
