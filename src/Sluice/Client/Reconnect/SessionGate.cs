namespace Sluice;

/// <summary>Where senders wait for a connection, and learn that there will be none any more. Thread-safe.</summary>
/// <param name="maxWaiting">How many may wait.</param>
internal sealed class SessionGate(int maxWaiting)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource<ClientSession> _ready = New();
    private int _waiting;

    /// <summary>The session that runs, though its first messages may not be sent yet.</summary>
    public ClientSession? Current { get; private set; }

    public void Begin(ClientSession session)
    {
        lock (_gate) Current = session;
    }

    /// <summary>Lets senders in.</summary>
    public void Open(ClientSession session)
    {
        lock (_gate) _ready.TrySetResult(session);
    }

    public void End(ClientSession session)
    {
        lock (_gate)
        {
            Current = null;
            if (_ready.Task.IsCompleted) _ready = New();
        }
        session.End();
    }

    /// <summary>There will be no further session.</summary>
    public void Close(Exception reason)
    {
        lock (_gate)
        {
            if (_ready.Task.IsCompletedSuccessfully) _ready = New();
            if (!_ready.TrySetException(reason)) return;
            _ = _ready.Task.Exception; // nobody may wait
        }
    }

    /// <summary>The session to send over. A callback gets its own, whatever has become of it: the next begins only after it.</summary>
    /// <exception cref="InvalidOperationException">Too many wait already.</exception>
    public async ValueTask<ClientSession> WaitAsync(CancellationToken cancellation)
    {
        while (true)
        {
            Task<ClientSession> ready;
            lock (_gate)
            {
                if (Current is { } current && (HandlerContext.IsInside(current.Connection) || (current.IsOpen && _ready.Task.IsCompletedSuccessfully)))
                {
                    return current;
                }
                ready = _ready.Task;
                if (_waiting == maxWaiting) throw Full();
                _waiting++;
            }
            try
            {
                var session = await ready.WaitAsync(cancellation).ConfigureAwait(false);
                if (session.IsOpen) return session;
                await session.Ended.WaitAsync(cancellation).ConfigureAwait(false);
            }
            finally
            {
                lock (_gate) _waiting--;
            }
        }
    }

    private InvalidOperationException Full() => new(
        $"{maxWaiting} messages wait for a connection already ({nameof(ReconnectOptions)}.{nameof(ReconnectOptions.MaxWaiting)}); "
            + "send fewer meanwhile, or none");

    private static TaskCompletionSource<ClientSession> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
