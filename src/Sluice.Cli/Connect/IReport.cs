namespace Sluice.Cli.Connect;

/// <summary>Tells the user what happens. Thread-safe.</summary>
internal interface IReport
{
    void Connected(WebSocketConnection connection);

    void Sent(MessageType type, int size);

    /// <summary>Tells of a message; the payload is good until the task is done.</summary>
    ValueTask ReceivedAsync(MessageType type, ReadOnlyMemory<byte> payload);

    void Ping(int size);

    /// <summary>A pong came.</summary>
    /// <param name="size">Of its payload.</param>
    /// <param name="roundTrip">Since our ping; <see langword="null"/> when it answers none.</param>
    void Pong(int size, TimeSpan? roundTrip);

    void Closed(CloseResult result, TimeSpan? roundTrip);

    /// <summary>Another attempt will be made.</summary>
    void Reconnecting(Reconnection next);

    /// <summary>The connection was lost with messages that may not have arrived, and are not sent again.</summary>
    /// <param name="sent">How many were sent over it.</param>
    /// <param name="isOpen">Whether one more was being handed over.</param>
    void InDoubt(long sent, bool isOpen);

    /// <summary>There was no connection.</summary>
    void NotConnected(HandshakeException error);

    /// <summary>Something else went wrong.</summary>
    void Failed(string message);
}
