using System.Buffers;
using System.IO.Pipelines;

namespace Sluice.Transport.Epoll.Tests.Support;

/// <summary>Bytes that show when one is lost, doubled or out of its place.</summary>
internal static class Bytes
{
    public static byte[] Pattern(int count, int start = 0)
    {
        var bytes = new byte[count];
        for (var i = 0; i < count; i++) bytes[i] = At(start + i);
        return bytes;
    }

    public static byte At(long position) => (byte)((position * 31) + (position >> 8));

    /// <summary>Reads and checks so many bytes of the pattern.</summary>
    public static async Task ReadPatternAsync(this PipeReader reader, long count)
    {
        for (long at = 0; at < count;)
        {
            var result = await reader.ReadAsync().Guarded();
            result.IsCompleted.ShouldBeFalse($"ended after {at} of {count} bytes");
            foreach (var piece in result.Buffer)
            {
                foreach (var value in piece.Span) if (value != At(at++)) throw new InvalidDataException($"byte {at - 1} is wrong");
            }
            reader.AdvanceTo(result.Buffer.End);
        }
    }

    public static byte[] Copy(this ReadOnlySequence<byte> bytes) => bytes.ToArray();
}
