using System.Buffers;
using System.Runtime.CompilerServices;

namespace Sluice.Transport.Epoll;

/// <summary>A piece of memory that does not move, and a link of a chain of such.</summary>
internal sealed unsafe class Block : ReadOnlySequenceSegment<byte>
{
    private readonly byte[] _array;
    private readonly BlockPool? _home;

    /// <param name="size">Bytes.</param>
    /// <param name="home">Where it goes back to; <see langword="null"/> when it is used once.</param>
    public Block(int size, BlockPool? home)
    {
        _array = GC.AllocateUninitializedArray<byte>(size, pinned: true);
        Address = (byte*)Unsafe.AsPointer(ref _array[0]);
        _home = home;
    }

    public byte* Address { get; }

    public int Size => _array.Length;

    /// <summary>Where the bytes written so far end.</summary>
    public int End { get; private set; }

    public int Room => _array.Length - End;

    public Block? NextBlock { get; private set; }

    /// <summary>The next in the pool.</summary>
    internal Block? NextFree { get; set; }

    public Span<byte> Free => _array.AsSpan(End);

    public Memory<byte> FreeMemory => _array.AsMemory(End);

    public ReadOnlySpan<byte> Written => _array.AsSpan(0, End);

    public void Advance(int count) => End += count;

    /// <summary>Makes what was written readable as a part of a sequence.</summary>
    public void Show() => Memory = new ReadOnlyMemory<byte>(_array, 0, End);

    public void Append(Block next)
    {
        next.RunningIndex = RunningIndex + End;
        NextBlock = next;
        Next = next;
    }

    /// <summary>Gives it back; it must not be used afterwards.</summary>
    public void Release()
    {
        if (_home is null) return;
        Forget();
        _home.Return(this);
    }

    private void Forget()
    {
        End = 0;
        RunningIndex = 0;
        NextBlock = null;
        Next = null;
        Memory = default;
    }
}
