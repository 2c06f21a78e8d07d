namespace Sluice.Transport.Epoll;

/// <summary>Free blocks of one size: the last given back is the first taken, since the processor's cache still has it.</summary>
internal sealed class BlockPool
{
    private readonly Lock _gate = new();
    private readonly int _size;
    private readonly int _capacity;
    private Block? _free;
    private int _count;

    /// <param name="size">Bytes of a block.</param>
    /// <param name="keep">How many bytes of free blocks it keeps at most; the rest is the garbage collector's.</param>
    public BlockPool(int size, int keep)
    {
        _size = size;
        _capacity = Math.Max(1, keep / size);
    }

    public int BlockSize => _size;

    public Block Rent()
    {
        lock (_gate)
        {
            if (_free is { } block)
            {
                _free = block.NextFree;
                block.NextFree = null;
                _count--;
                return block;
            }
        }
        return new Block(_size, this);
    }

    public void Return(Block block)
    {
        lock (_gate)
        {
            if (_count == _capacity) return;
            block.NextFree = _free;
            _free = block;
            _count++;
        }
    }
}
