namespace Sluice;

/// <summary>Messages and bytes that the counters do not know of yet. Those belong to all connections: what is in one piece of
/// input, or leaves with one flush, is added to them at once.</summary>
internal struct Uncounted
{
    private int _messages;
    private uint _bytes; // less than such a piece, and one message more

    /// <summary>Takes note of a message, or of a fragment of one.</summary>
    public void Add(int length, bool isLast = true)
    {
        if (isLast) _messages++;
        _bytes += (uint)length;
    }

    /// <returns>Whether there is something to count.</returns>
    public bool TryTake(out int messages, out uint bytes)
    {
        (messages, bytes) = (_messages, _bytes);
        if (messages == 0 && bytes == 0) return false;
        this = default;
        return true;
    }
}
