namespace Sluice;

/// <summary>
/// How a message is read part by part without an object of its own, with its end told along with its last bytes, and how
/// the peer's close frame is shown before it is answered: what a BCL WebSocket needs.
/// </summary>
internal sealed partial class ReceiveLoop
{
    private volatile PartEnd _partEnd;
    private bool _closeShown;

    internal enum PartEnd
    {
        None,
        Fragment, // the fragment's payload was read to its end
        Payload, // the message's, too; what is left to read is its end
        Message,
    }

    /// <summary>Where the last read of a streamed message stopped.</summary>
    public PartEnd LastPartEnd => _partEnd;

    /// <summary>The peer's close frame, once <see cref="BeginMessageAsync"/> has shown it.</summary>
    public (CloseCode Code, string Reason) PeerClose => (_closeCode, _closeReason ?? "");

    // The answer is left to whoever receives, who may send more before it (RFC 6455 §5.5.1), for as long as the grace lasts.
    // With the gate held.
    private bool HoldsClose
        => _receiver is { Parts: not null } && _lastFrameSeen && _violation is null && !_discard && !_graceOver && !_connection.IsClosing;

    /// <summary>From now on messages are read in parts, and close frames are shown before they are answered.</summary>
    /// <returns>What to hand to <see cref="ReadChunkAsync"/>.</returns>
    public MessageReader ReadInParts()
    {
        lock (this)
        {
            ThrowIfReceiving();
            return Receiving().Parts ??= new MessageReader(this, default);
        }
    }

    /// <summary>Waits for the next message to begin. One with <see cref="Message.HasBuffer"/> is here as a whole already.</summary>
    public ValueTask<Message> BeginMessageAsync(CancellationToken cancellation) => Want(Demand.Stream, cancellation);

    // The loop stays where it is until the close is answered or the grace is over.
    private Outcome ShowClose()
    {
        lock (this)
        {
            if (TakeDemand() == Demand.None) return Outcome.Continue; // the caller gave up just now
            _closeShown = true;
            _running = false;
        }
        _receiver!.Deliver(Message.Closed);
        return Regain();
    }
}
