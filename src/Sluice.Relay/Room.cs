namespace Sluice.Relay;

/// <summary>
/// A set of connections, in which what one publishes goes to the others. Joining and leaving take a lock for a moment;
/// publishing walks a snapshot without one, and waits for nobody. Thread-safe.
/// </summary>
public sealed class Room
{
    private readonly Lock _gate = new();
    private readonly HashSet<Member> _members = [];
    private volatile Member[]? _snapshot = [];

    internal Room(string name) => Name = name;

    /// <summary>The name that members joined by.</summary>
    public string Name { get; }

    /// <summary>How many members there are now.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _members.Count;
        }
    }

    /// <summary>Sends a message to every member. One that can't take it, because it reads too slowly, is closed with 1008;
    /// the message counts as dropped.</summary>
    /// <param name="message">Encoded once for all.</param>
    public void Publish(PreparedMessage message) => Publish(message, except: null);

    internal void Publish(PreparedMessage message, Member? except)
    {
        ArgumentNullException.ThrowIfNull(message);
        foreach (var member in Snapshot())
        {
            if (member != except) member.Deliver(message);
        }
    }

    internal bool TryAdd(Member member, int limit)
    {
        lock (_gate)
        {
            if (_members.Count >= limit) return false;
            _members.Add(member);
            _snapshot = null;
            return true;
        }
    }

    /// <returns>Whether the room is empty now.</returns>
    internal bool Remove(Member member)
    {
        lock (_gate)
        {
            if (_members.Remove(member)) _snapshot = null;
            return _members.Count == 0;
        }
    }

    // Made anew by the first publish after a change: a burst of joins costs one copy, not one each.
    private Member[] Snapshot()
    {
        if (_snapshot is { } snapshot) return snapshot;
        lock (_gate) return _snapshot ??= [.. _members];
    }
}
