namespace Sluice.Relay;

/// <summary>The limits of rooms. Immutable.</summary>
public sealed record RoomOptions
{
    /// <summary>How many rooms there may be at once. Default 100,000. A room exists while it has members.</summary>
    public int MaxRooms { get; init; } = 100_000;

    /// <summary>How many members a room may have. Default 100,000.</summary>
    public int MaxMembers { get; init; } = 100_000;
}
