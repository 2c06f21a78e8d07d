using System.Runtime.InteropServices;

namespace Sluice.Compression;

/// <summary>
/// Compressors or decompressors that no connection holds, as those without context takeover are lent for one message.
/// Keeps a few; the newest is lent first, as its memory is still in the processor's cache. Thread-safe.
/// </summary>
internal sealed class CodecPool<T>
    where T : SafeHandle
{
    // As many messages at once as a machine has cores, roughly: more of them only cost memory.
    private const int MostKept = 16;

    private readonly Lock _gate = new();
    private readonly T?[] _kept = new T?[MostKept];
    private int _count;

    /// <summary>One that is kept, if there is any.</summary>
    public T? TryTake()
    {
        lock (_gate)
        {
            if (_count == 0) return null;
            var codec = _kept[--_count];
            _kept[_count] = null;
            return codec;
        }
    }

    /// <summary>Takes one back, which the caller does not use any more.</summary>
    public void Return(T codec)
    {
        lock (_gate)
        {
            if (_count < MostKept)
            {
                _kept[_count++] = codec;
                return;
            }
        }
        codec.Dispose();
    }
}
