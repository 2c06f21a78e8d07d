using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Sluice.Transport.Epoll;

/// <summary>What one wait brought. struct epoll_event is packed on x86-64 and aligned elsewhere.</summary>
internal sealed unsafe class EpollEvents : IDisposable
{
    public const int Capacity = 256;

    private static readonly bool IsPacked = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int Size = IsPacked ? 12 : 16;
    private static readonly int TokenOffset = IsPacked ? 4 : 8;

    private byte* _memory = (byte*)NativeMemory.AllocZeroed(Capacity, 16);

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    public uint FlagsAt(int index) => *(uint*)(_memory + (index * Size));

    public ulong TokenAt(int index) => Unsafe.ReadUnaligned<ulong>(_memory + (index * Size) + TokenOffset);

    public void Wait(int epoll)
    {
        var count = Libc.EpollWait(epoll, _memory, Capacity, timeout: -1);
        Count = count;
        if (count >= 0) return;
        Count = 0;
        if (count != -Errno.Interrupted) throw Errno.ToException(-count);
    }

    /// <summary>Watches a descriptor.</summary>
    public static void Add(int epoll, int descriptor, uint flags, ulong token)
    {
        var @event = stackalloc byte[16];
        *(uint*)@event = flags;
        Unsafe.WriteUnaligned(@event + TokenOffset, token);
        var result = Libc.EpollControl(epoll, Libc.EpollAdd, descriptor, @event);
        if (result < 0) throw Errno.ToException(-result);
    }

    /// <summary>Takes over what another set has not worked off.</summary>
    public void TakeRest(EpollEvents other, int from)
    {
        Count = other.Count - from;
        new ReadOnlySpan<byte>(other._memory + (from * Size), Count * Size).CopyTo(new Span<byte>(_memory, Capacity * 16));
    }

    public void Dispose()
    {
        Count = 0;
        NativeMemory.Free(_memory);
        _memory = null;
    }
}
