using System.Buffers;

namespace Sluice;

/// <summary>
/// The bytes of one message, gathered in a single pooled array that grows as bytes come, never as a header merely
/// announces them. Belongs to one connection and is used again; leases tell a message that still owns it from one
/// that gave it back.
/// </summary>
internal sealed class MessageBuffer
{
    private const int FirstSize = 4096;

    private byte[] _array = [];
    private int _length;
    private int _lease;
    private volatile bool _isFree = true;

    public int Lease => Volatile.Read(ref _lease);

    /// <summary>Whether no message owns it.</summary>
    public bool IsFree => _isFree;

    public Span<byte> Written => _array.AsSpan(0, _length);

    public void Take() => _isFree = false;

    /// <summary>Room for <paramref name="size"/> more bytes, which count as written at once.</summary>
    /// <param name="size">How many bytes are here now.</param>
    /// <param name="expected">How many the frame still announces, these among them.</param>
    public Span<byte> Append(int size, long expected)
    {
        var needed = checked(_length + size);
        if (needed > _array.Length) Grow(needed, expected);
        var span = _array.AsSpan(_length, size);
        _length = needed;
        return span;
    }

    /// <summary>Room for at least one more byte; what is used of it is told to <see cref="Commit"/>.</summary>
    public Span<byte> Room()
    {
        if (_length == _array.Length) Grow(checked(_length + 1), Array.MaxLength);
        return _array.AsSpan(_length);
    }

    /// <summary>So many bytes of <see cref="Room"/> were written.</summary>
    public void Commit(int count) => _length += count;

    private void Grow(int needed, long expected)
    {
        // Twice what has come, but no more than what is announced: an announcement alone costs nothing.
        var whole = (int)Math.Min(Array.MaxLength, _length + expected);
        var wanted = Math.Max(needed, Math.Min(whole, Math.Max(FirstSize, 2L * needed)));
        var grown = ArrayPool<byte>.Shared.Rent((int)Math.Min(Array.MaxLength, wanted));
        _array.AsSpan(0, _length).CopyTo(grown);
        if (_array.Length > 0) ArrayPool<byte>.Shared.Return(_array);
        _array = grown;
    }

    public ReadOnlyMemory<byte> Read(int lease)
    {
        ObjectDisposedException.ThrowIf(lease != Lease, typeof(Message));
        return _array.AsMemory(0, _length);
    }

    public void Return(int lease)
    {
        if (Interlocked.CompareExchange(ref _lease, lease + 1, lease) != lease) return;
        var array = _array;
        _array = [];
        _length = 0;
        if (array.Length > 0) ArrayPool<byte>.Shared.Return(array);
        _isFree = true;
    }
}
