namespace Sluice.Relay;

/// <summary>Rooms by name. A room begins with its first member and ends with its last. Thread-safe.</summary>
public sealed class Rooms
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Room> _rooms = new(StringComparer.Ordinal);

    /// <summary>No rooms yet.</summary>
    /// <param name="options">Limits; <see langword="null"/> for the defaults.</param>
    public Rooms(RoomOptions? options = null) => Options = options ?? new RoomOptions();

    internal RoomOptions Options { get; }

    /// <summary>How many rooms have members.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _rooms.Count;
        }
    }

    /// <summary>The room of that name, or <see langword="null"/> when nobody is in it. Not to be kept: a room ends with its last
    /// member, and the next of that name is another.</summary>
    public Room? Find(string name)
    {
        lock (_gate) return _rooms.GetValueOrDefault(name);
    }

    /// <summary>Lets a connection take part in a room until it ends: what it sends goes to the other members, in order.</summary>
    /// <param name="name">The room.</param>
    /// <param name="connection">Handed over: nobody else may receive from it. At a limit it is closed with 1013.</param>
    /// <param name="metrics">Counts messages that a slow member did not get; <see langword="null"/> for the shared ones.</param>
    /// <param name="self">Whether the connection gets its own messages, too.</param>
    /// <returns>Done when the connection has ended and left.</returns>
    /// <exception cref="InvalidOperationException">Somebody else receives from the connection.</exception>
    public async Task<CloseResult> JoinAsync(string name, WebSocketConnection connection, ConnectionMetrics? metrics = null, bool self = false)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(connection);
        if (Enter(name, connection, metrics ?? ConnectionMetrics.Shared, self) is not { } member)
        {
            return await connection.CloseAsync(CloseCode.TryAgainLater, "the room, or the house, is full").ConfigureAwait(false);
        }
        try
        {
            return await connection.RunAsync(member).ConfigureAwait(false);
        }
        finally
        {
            // A connection that had ended before it joined never tells its end.
            member.Leave();
        }
    }

    internal void Leave(Room room, Member member)
    {
        lock (_gate)
        {
            if (room.Remove(member) && _rooms.GetValueOrDefault(room.Name) == room) _rooms.Remove(room.Name);
        }
    }

    private Member? Enter(string name, WebSocketConnection connection, ConnectionMetrics metrics, bool self)
    {
        lock (_gate)
        {
            var found = _rooms.TryGetValue(name, out var room);
            if (!found && _rooms.Count >= Options.MaxRooms) return null;
            room ??= new Room(name);
            var member = new Member(this, room, connection, metrics, self);
            if (!room.TryAdd(member, Options.MaxMembers)) return null;
            if (!found) _rooms.Add(name, room);
            return member;
        }
    }
}
