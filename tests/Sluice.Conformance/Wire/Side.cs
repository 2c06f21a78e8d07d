namespace Sluice.Conformance.Wire;

/// <summary>One end of a WebSocket. The tests' own word for it, as their frames are their own.</summary>
public enum Side
{
    Client,
    Server,
}

internal static class SideExtensions
{
    public static Side Other(this Side side) => side == Side.Client ? Side.Server : Side.Client;
}
