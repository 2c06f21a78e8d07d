using System.Buffers;

namespace Sluice;

/// <summary>A compressed message on its way to the reader of a stream: what came and is not inflated yet, and what is inflated
/// and not read yet. Holds a pooled array from the first byte to the message's end.</summary>
internal sealed class InflatedStage
{
    private const int Size = 16 * 1024;

    private byte[]? _inflated;
    private int _length;
    private int _taken;

    /// <summary>Unmasked, and not inflated yet; it lies in the transport's buffer.</summary>
    public ReadOnlyMemory<byte> Deflated { get; set; }

    /// <summary>Whether inflating may go on without further input.</summary>
    public bool HasMore { get; private set; }

    public bool IsEmpty => _length == _taken;

    /// <summary>Where to inflate to, when empty.</summary>
    public Span<byte> Room() => _inflated ??= ArrayPool<byte>.Shared.Rent(Size);

    /// <summary>Takes note of what was inflated into <see cref="Room"/>.</summary>
    /// <param name="written">How much of it.</param>
    /// <param name="inputLeft">How much of <see cref="Deflated"/> is left.</param>
    /// <param name="more">Whether more would have come, with more room.</param>
    public void Commit(int written, int inputLeft, bool more)
    {
        _length = written;
        _taken = 0;
        Deflated = Deflated[^inputLeft..];
        HasMore = more || inputLeft > 0;
    }

    public int Read(Span<byte> destination)
    {
        var length = Math.Min(destination.Length, _length - _taken);
        _inflated.AsSpan(_taken, length).CopyTo(destination);
        _taken += length;
        return length;
    }

    public void Clear()
    {
        if (_inflated is not null) ArrayPool<byte>.Shared.Return(_inflated);
        _inflated = null;
        _length = _taken = 0;
        HasMore = false;
        Deflated = default;
    }
}
