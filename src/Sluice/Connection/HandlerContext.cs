namespace Sluice;

/// <summary>
/// Tells code that a connection's handler runs, or awaits, from everybody else's: such code holds up the receive
/// loop, and must not be made to wait for what only the loop can bring. Flows with the execution context, which the
/// loop restores once a turn, so that it costs nothing for each message.
/// </summary>
internal static class HandlerContext
{
    private static readonly AsyncLocal<WebSocketConnection?> Current = new();

    /// <summary>Marks the caller's context.</summary>
    public static void Inside(WebSocketConnection connection) => Current.Value = connection;

    public static bool IsInside(WebSocketConnection connection) => Current.Value == connection;
}
