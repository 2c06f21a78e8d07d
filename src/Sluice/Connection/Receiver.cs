using System.Threading.Tasks.Sources;

namespace Sluice;

/// <summary>
/// Whoever receives by calls, as the loop sees it: what was asked for, and the tasks that tell. Made with the first call, as a
/// connection with a handler has none. But for the tasks everything here is the loop's, with its gate held.
/// </summary>
internal sealed class Receiver : IValueTaskSource<Message>, IValueTaskSource<int>
{
    private ManualResetValueTaskSourceCore<Message> _message;
    private ManualResetValueTaskSourceCore<int> _chunk;
    private volatile bool _unclaimed;

    /// <summary>Whether a task was handed out and not awaited yet: its source is not free.</summary>
    public bool IsUnclaimed => _unclaimed;

    /// <summary>A message that came when whoever wanted it had given up waiting.</summary>
    public Message? Ready { get; set; }

    /// <summary>Where the next bytes of the stream go.</summary>
    public Memory<byte> Destination { get; set; }

    /// <summary>The stream that is open, and not yet read to its end.</summary>
    public MessageReader? Stream { get; set; }

    /// <summary>The stream that is on its way to the caller.</summary>
    public MessageReader? Started { get; set; }

    /// <summary>Stands for whichever message is being read in parts.</summary>
    public MessageReader? Parts { get; set; }

    /// <summary>Whose cancelling ends the wait.</summary>
    public CancellationToken Token { get; set; }

    public CancellationTokenRegistration Registration { get; set; }

    /// <summary>Hands out a task for the next message.</summary>
    public void BeginMessage()
    {
        _message.Reset();
        _message.RunContinuationsAsynchronously = false;
        _unclaimed = true;
    }

    public ValueTask<Message> MessageTask => new(this, _message.Version);

    /// <summary>Hands out a task for the next bytes of the stream.</summary>
    public void BeginChunk(Memory<byte> destination)
    {
        _chunk.Reset();
        _chunk.RunContinuationsAsynchronously = false;
        Destination = destination;
        _unclaimed = true;
    }

    public ValueTask<int> ChunkTask => new(this, _chunk.Version);

    /// <summary>The caller may go on right here, on this stack. Called without the gate.</summary>
    public void Deliver(Message message) => _message.SetResult(message);

    /// <inheritdoc cref="Deliver(Message)"/>
    public void Deliver(int length) => _chunk.SetResult(length);

    /// <summary>The caller's code does not run inside whatever ends the connection. Called without the gate.</summary>
    public void DeliverEnd()
    {
        _message.RunContinuationsAsynchronously = true;
        _message.SetResult(Message.Closed);
    }

    public void FailMessage(Exception error)
    {
        _message.RunContinuationsAsynchronously = true;
        _message.SetException(error);
    }

    public void FailChunk(Exception error)
    {
        _chunk.RunContinuationsAsynchronously = true;
        _chunk.SetException(error);
    }

    public static InvalidOperationException AlreadyReceiving() => new(
        "a receive is under way already: one caller at a time may receive, so await the last one, read the streamed message to its "
        + "end or dispose it, and do not receive beside a handler");

    Message IValueTaskSource<Message>.GetResult(short token)
    {
        if (_message.GetStatus(token) == ValueTaskSourceStatus.Pending) throw AlreadyReceiving();
        try
        {
            return _message.GetResult(token);
        }
        finally
        {
            _unclaimed = false;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<Message>.GetStatus(short token) => _message.GetStatus(token);

    void IValueTaskSource<Message>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _message.OnCompleted(continuation, state, token, flags);

    int IValueTaskSource<int>.GetResult(short token)
    {
        if (_chunk.GetStatus(token) == ValueTaskSourceStatus.Pending) throw AlreadyReceiving();
        try
        {
            return _chunk.GetResult(token);
        }
        finally
        {
            _unclaimed = false;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _chunk.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _chunk.OnCompleted(continuation, state, token, flags);
}
