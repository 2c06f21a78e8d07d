namespace Sluice;

/// <summary>The end of one connection of a client that may connect again. Immutable.</summary>
public sealed record Disconnection
{
    /// <summary>How it ended.</summary>
    public required CloseResult Result { get; init; }

    /// <summary>How many messages the transport took.</summary>
    public long MessagesSent { get; init; }

    /// <summary>How many of these, the last ones, may not have come to the peer. They are not sent again: only the application
    /// knows whether that would do harm. Those before them, the peer's WebSocket has read: a ping behind them was answered
    /// (<see cref="ReconnectingWebSocketClient.ConfirmAsync"/>), or our close frame.</summary>
    public long MessagesInDoubt { get; init; }
}

/// <summary>The connection ended while a message was handed over: it may have come to the peer, wholly or not at all. It is not
/// sent again.</summary>
public sealed class DeliveryUnknownException : IOException
{
    internal DeliveryUnknownException(WebSocketClosedException inner)
        : base($"the connection ended while the message was handed over, so it may have come to the peer or not: {inner.Message}", inner)
        => Result = inner.Result;

    /// <summary>How the connection ended; <see langword="null"/> while it is closing.</summary>
    public CloseResult? Result { get; }
}
