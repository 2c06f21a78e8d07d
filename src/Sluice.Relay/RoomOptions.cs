using System.Runtime.CompilerServices;

namespace Sluice.Relay;

/// <summary>The limits of rooms. Immutable.</summary>
public sealed record RoomOptions
{
    /// <summary>How many rooms there may be at once. Default 100,000. A room exists while it has members.</summary>
    public int MaxRooms { get; init => field = Positive(value); } = 100_000;

    /// <summary>How many members a room may have. Default 100,000.</summary>
    public int MaxMembers { get; init => field = Positive(value); } = 100_000;

    /// <summary>Called for each message before it is forwarded, with the room's name: to log or count. Must not block; the
    /// payload is good during the call.</summary>
    public Action<string, MessageType, ReadOnlyMemory<byte>>? OnMessage { get; init; }

    private static int Positive(int value, [CallerMemberName] string name = "")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value, name);
        return value;
    }
}
