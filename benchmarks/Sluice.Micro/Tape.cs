using Sluice.Protocol;

namespace Sluice.Micro;

/// <summary>Frames one behind the other, as they lie in a receive buffer.</summary>
internal static class Tape
{
    private const int Least = 16 * 1024;

    /// <summary>Binary messages of a client, whole frames only.</summary>
    public static byte[] Of(int length)
    {
        var header = new FrameHeader(Opcode.Binary, length, maskingKey: 0x3D21FA37);
        var count = Math.Max(1, Least / (header.Size + length));
        var tape = new byte[count * (header.Size + length)];
        new Random(1).NextBytes(tape);
        for (var i = 0; i < count; i++) header.Write(tape.AsSpan(i * (header.Size + length)));
        return tape;
    }
}
