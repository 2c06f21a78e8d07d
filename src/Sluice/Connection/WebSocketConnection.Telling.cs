namespace Sluice;

/// <summary>The tasks that tell of the end. Each is made when it is asked for: an idle connection keeps what somebody waits
/// for, and no more.</summary>
public sealed partial class WebSocketConnection
{
    private TaskCompletionSource<CloseResult>? _ended;
    private TaskCompletionSource<CloseResult>? _released;
    private TaskCompletionSource<CloseResult>? _ran;
    private int _isReleased;

    private bool IsReleased => Volatile.Read(ref _isReleased) != 0;

    // As Released, or faulted with what a callback of the handler's threw.
    private Task<CloseResult> Ran => TellRan(Make(ref _ran, TaskCreationOptions.None));

    // Whoever asks makes the task and then looks whether it is over; whoever ends the connection marks it and then looks for the
    // task: one of the two sees the other.
    private Task<CloseResult> TellEnded(TaskCompletionSource<CloseResult> source)
    {
        if (CloseResult is { } result) source.TrySetResult(result);
        return source.Task;
    }

    private Task<CloseResult> TellReleased(TaskCompletionSource<CloseResult> source)
    {
        if (IsReleased) source.TrySetResult(CloseResult!);
        return source.Task;
    }

    private Task<CloseResult> TellRan(TaskCompletionSource<CloseResult> source)
    {
        if (!IsReleased) return source.Task;
        if (_handlerError is OperationCanceledException canceled) source.TrySetCanceled(canceled.CancellationToken);
        else if (_handlerError is { } error) source.TrySetException(error);
        else source.TrySetResult(CloseResult!);
        return source.Task;
    }

    private void TellRelease()
    {
        Interlocked.Exchange(ref _isReleased, 1);
        if (Volatile.Read(ref _released) is { } released) _ = TellReleased(released);
        // Who waits for the handler goes on without a hop at the end of a turn that the transport began; not inside a caller's code,
        // unless the transport itself calls back inside somebody's.
        if (Volatile.Read(ref _ran) is null || _loop.TryTellAtTurnEnd()) return;
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.TellRan(), this, preferLocal: false);
    }

    internal void TellRan() => _ = TellRan(_ran!);

    private static TaskCompletionSource<CloseResult> Make(
        ref TaskCompletionSource<CloseResult>? source, TaskCreationOptions options = TaskCreationOptions.RunContinuationsAsynchronously)
    {
        if (Volatile.Read(ref source) is { } made) return made;
        made = new TaskCompletionSource<CloseResult>(options);
        return Interlocked.CompareExchange(ref source, made, null) ?? made;
    }
}
