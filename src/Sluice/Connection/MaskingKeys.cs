using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Sluice;

/// <summary>
/// Masking keys for a client's frames: fresh and unpredictable for each (RFC 6455 §5.3, §10.3). Drawn from the
/// system's generator in blocks, as four bytes at a time would cost more than the rest of a small frame.
/// </summary>
internal static class MaskingKeys
{
    private const int BlockSize = 256;

    [ThreadStatic] private static uint[]? Block;
    [ThreadStatic] private static int Used;

    public static uint Next()
    {
        var block = Block ??= new uint[BlockSize];
        if (Used is 0 or BlockSize)
        {
            RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(block.AsSpan()));
            Used = 0;
        }
        var key = block[Used];
        block[Used++] = 0; // a key that was sent is no secret, but is of no more use either
        return key;
    }
}
