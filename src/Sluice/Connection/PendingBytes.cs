using System.Buffers;

namespace Sluice;

/// <summary>
/// Encoded frames that wait for the transport, in a line of pooled segments; holds nothing while empty. What leaves gives
/// its segment back, so that a reader that has fallen far behind costs what waits for it, and no more.
/// </summary>
internal sealed class PendingBytes : IBufferWriter<byte>
{
    private const int FirstSize = 1024;
    private const int SegmentSize = 256 * 1024; // each leaves with a flush of its own: not too many of them

    private Segment? _first;
    private Segment? _last;
    private Segment? _spare;

    public int Length { get; private set; }

    public int Frames { get; private set; }

    public int Segments { get; private set; }

    public void Advance(int count)
    {
        _last!.Length += count;
        Length += count;
    }

    /// <summary>What was written since the last call is a frame; it ends in the last segment.</summary>
    public void EndFrame()
    {
        _last!.Frames++;
        Frames++;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var segment = Reserve(sizeHint);
        return segment.Array.AsMemory(segment.Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        var segment = Reserve(sizeHint);
        return segment.Array.AsSpan(segment.Length);
    }

    /// <summary>Moves the first segment.</summary>
    public void MoveFirst(IBufferWriter<byte> destination)
    {
        var segment = _first!;
        try
        {
            destination.Write(segment.Array.AsSpan(0, segment.Length));
        }
        finally
        {
            RemoveFirst();
        }
    }

    public void Clear()
    {
        while (_first is not null) RemoveFirst();
    }

    private Segment Reserve(int sizeHint)
    {
        var hint = Math.Max(1, sizeHint);
        if (_last is not { } last) return Add(Math.Max(FirstSize, hint));
        var needed = checked(last.Length + hint);
        if (needed <= last.Array.Length) return last;
        if (needed > SegmentSize) return Add(Math.Max(SegmentSize, hint));
        var grown = ArrayPool<byte>.Shared.Rent(Math.Min(SegmentSize, Math.Max(needed, 2 * last.Array.Length)));
        last.Array.AsSpan(0, last.Length).CopyTo(grown);
        ArrayPool<byte>.Shared.Return(last.Array);
        last.Array = grown;
        return last;
    }

    private Segment Add(int size)
    {
        var segment = _spare ?? new Segment();
        _spare = null;
        segment.Array = ArrayPool<byte>.Shared.Rent(size);
        if (_last is null) _first = segment;
        else _last.Next = segment;
        Segments++;
        return _last = segment;
    }

    private void RemoveFirst()
    {
        var segment = _first!;
        _first = segment.Next;
        if (_first is null) _last = null;
        Length -= segment.Length;
        Frames -= segment.Frames;
        Segments--;
        ArrayPool<byte>.Shared.Return(segment.Array);
        segment.Array = [];
        segment.Next = null;
        segment.Length = segment.Frames = 0;
        _spare = segment;
    }

    private sealed class Segment
    {
        public byte[] Array { get; set; } = [];

        public int Length { get; set; }

        public int Frames { get; set; }

        public Segment? Next { get; set; }
    }
}
