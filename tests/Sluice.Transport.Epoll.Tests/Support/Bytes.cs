using System.Buffers;
using System.IO.Pipelines;

namespace Sluice.Transport.Epoll.Tests.Support;

/// <summary>Bytes that show when one is lost, doubled or out of its place.</summary>
internal static class Bytes
{
    private const int Period = 65536;

    private static readonly byte[] Twice = [.. Enumerable.Range(0, 2 * Period).Select(i => At(i))];

    public static byte[] Pattern(int count, int start = 0)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count; at += Period)
        {
            Twice.AsSpan((start + at) % Period, Math.Min(Period, count - at)).CopyTo(bytes.AsSpan(at));
        }
        return bytes;
    }

    public static byte At(long position) => (byte)((position * 31) + (position >> 8));

    /// <summary>Fails unless these are the pattern's bytes from that position on.</summary>
    public static void Check(ReadOnlySpan<byte> bytes, long position)
    {
        while (!bytes.IsEmpty)
        {
            var piece = bytes[..Math.Min(Period, bytes.Length)];
            if (!piece.SequenceEqual(Twice.AsSpan((int)(position % Period), piece.Length)))
            {
                throw new InvalidDataException($"wrong within the {piece.Length} bytes from {position}");
            }
            bytes = bytes[piece.Length..];
            position += piece.Length;
        }
    }

    /// <summary>Reads and checks so many bytes of the pattern.</summary>
    public static async Task ReadPatternAsync(this PipeReader reader, long count)
    {
        for (long at = 0; at < count;)
        {
            var result = await reader.ReadAsync().Guarded();
            result.IsCompleted.ShouldBeFalse($"ended after {at} of {count} bytes");
            foreach (var piece in result.Buffer)
            {
                Check(piece.Span, at);
                at += piece.Length;
            }
            reader.AdvanceTo(result.Buffer.End);
        }
    }

    public static byte[] Copy(this ReadOnlySequence<byte> bytes) => bytes.ToArray();
}
