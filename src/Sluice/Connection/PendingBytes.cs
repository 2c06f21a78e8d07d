using System.Buffers;

namespace Sluice;

/// <summary>Encoded frames that wait for the transport, in one pooled array; holds nothing while empty.</summary>
internal sealed class PendingBytes : IBufferWriter<byte>
{
    private const int FirstSize = 1024;

    // What a reader that has fallen far behind needs is rare and large: the pool would keep it for ever.
    private const int LargestPooled = 1024 * 1024;

    private byte[] _array = [];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _array.AsSpan(0, Length);

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _array.AsSpan(Length);
    }

    public void Clear()
    {
        GiveBack(_array);
        _array = [];
        Length = 0;
    }

    private void Reserve(int sizeHint)
    {
        var needed = checked(Length + Math.Max(1, sizeHint));
        if (needed <= _array.Length) return;
        var size = Math.Max(FirstSize, Math.Max(needed, (int)Math.Min(Array.MaxLength, 2L * _array.Length)));
        var grown = size > LargestPooled ? GC.AllocateUninitializedArray<byte>(size) : ArrayPool<byte>.Shared.Rent(size);
        Written.CopyTo(grown);
        GiveBack(_array);
        _array = grown;
    }

    private static void GiveBack(byte[] array)
    {
        if (array.Length is > 0 and <= LargestPooled) ArrayPool<byte>.Shared.Return(array);
    }
}
