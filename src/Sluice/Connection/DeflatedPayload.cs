using System.Buffers;
using Sluice.Compression;

namespace Sluice;

/// <summary>A compressed payload in a pooled buffer, to be given back. A mutable struct.</summary>
internal struct DeflatedPayload
{
    // A message of this size gets a buffer for the worst case at once; a larger one begins with half its size.
    private const int SmallMessage = 64 * 1024;
    private const int Slack = 64;

    private static readonly byte[] Nothing = [0x00];

    private byte[]? _buffer;

    /// <summary>What every message has at its end, and leaves out (RFC 7692 §7.2.1).</summary>
    private static ReadOnlySpan<byte> Tail => [0x00, 0x00, 0xFF, 0xFF];

    /// <summary>Whether there is none.</summary>
    public readonly bool IsNone => _buffer is null;

    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, Length);

    /// <summary>An empty message (§7.2.3.6).</summary>
    public static DeflatedPayload OfNothing() => new() { _buffer = Nothing, Length = 1 };

    /// <summary>Puts in front what the part before left out.</summary>
    public void AddTail()
    {
        Reserve(Tail.Length);
        Tail.CopyTo(_buffer.AsSpan(Length));
        Length += Tail.Length;
    }

    /// <summary>Adds the compressed payload, without the tail.</summary>
    public void Compress(Deflater deflater, ReadOnlySpan<byte> payload, bool forget)
    {
        Reserve(payload.Length <= SmallMessage ? payload.Length + (payload.Length >> 3) + Slack : payload.Length / 2);
        bool done;
        do
        {
            done = deflater.Deflate(ref payload, _buffer.AsSpan(Length), forget, out var written);
            Length += written;
            if (!done) Reserve(Length);
        }
        while (!done);
        if (!Bytes.EndsWith(Tail)) throw new InvalidOperationException("zlib did not end the message at a byte boundary; a fault of this library");
        Length -= Tail.Length;
    }

    public void Return()
    {
        if (_buffer is not null && _buffer != Nothing) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
        Length = 0;
    }

    private void Reserve(int more)
    {
        if (_buffer is not null && _buffer.Length - Length >= more) return;
        var grown = ArrayPool<byte>.Shared.Rent(checked(Length + more));
        Bytes.CopyTo(grown);
        if (_buffer is not null) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = grown;
    }
}
