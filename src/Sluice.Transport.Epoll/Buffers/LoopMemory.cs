namespace Sluice.Transport.Epoll;

/// <summary>The memory that the connections of one loop share: each holds some only while bytes are under way.</summary>
internal sealed class LoopMemory
{
    private const int Kept = 2 * 1024 * 1024;

    // A connection that fills its read buffer is reading much; the next one is larger.
    private const int BulkFactor = 8;

    private readonly BlockPool _tiny = new(512, Kept);
    private readonly BlockPool _small = new(4 * 1024, Kept);
    private readonly BlockPool _read;
    private readonly BlockPool _bulk;

    /// <param name="readBufferSize">Bytes of the blocks that are read into.</param>
    public LoopMemory(int readBufferSize)
    {
        _read = new BlockPool(readBufferSize, Kept);
        _bulk = new BlockPool(readBufferSize * BulkFactor, 2 * Kept);
    }

    /// <summary>What to read into.</summary>
    public Block RentForReading(bool bulk) => (bulk ? _bulk : _read).Rent();

    /// <summary>What to write into.</summary>
    /// <param name="atLeast">Bytes.</param>
    /// <param name="little">Whether the connection wrote little the last time. A message to very many takes a block of each.</param>
    public Block RentForWriting(int atLeast, bool little)
        => little && atLeast <= _tiny.BlockSize ? _tiny.Rent() : RentAtLeast(Math.Max(atLeast, _small.BlockSize));

    /// <summary>What to write into for a connection that holds some already: it is writing much.</summary>
    public Block RentForWritingMore(int atLeast) => RentAtLeast(Math.Max(atLeast, 16 * 1024));

    /// <summary>Whether so many bytes are little.</summary>
    public bool IsLittle(int count) => count <= _tiny.BlockSize;

    /// <summary>The smallest that has room.</summary>
    public Block RentAtLeast(int size)
    {
        if (size <= _tiny.BlockSize) return _tiny.Rent();
        if (size <= _small.BlockSize) return _small.Rent();
        if (size <= _read.BlockSize) return _read.Rent();
        return size <= _bulk.BlockSize ? _bulk.Rent() : new Block(size, home: null);
    }
}
