namespace Sluice;

/// <summary>Where the loop calls a handler, and waits for it.</summary>
internal sealed partial class ReceiveLoop
{
    private Action? _onResumed;
    private volatile IWebSocketHandler? _handler;
    private volatile bool _handling; // inside a callback, or waiting for its task
    private ExecutionContext? _handlerContext;
    private ValueTask _suspended;
    private bool _awaitsHandler;
    private int _closeTold;
    private Uncounted _uncounted; // handed out, with more behind them
    private Message _lent;

    /// <summary>Whether a callback of the handler holds up the loop.</summary>
    public bool IsHandling => _handling;

    /// <summary>Hands every message to a handler from now on.</summary>
    /// <param name="handler">The handler.</param>
    /// <param name="ready">What to hand to the handler first, when the result is <see langword="false"/>; then try again.</param>
    public bool TryAttach(IWebSocketHandler handler, out Message ready)
    {
        ready = default;
        bool finished;
        lock (this)
        {
            ThrowIfReceiving();
            if (_receiver is { Ready: { } message } receiver)
            {
                ready = message;
                receiver.Ready = null;
                return false;
            }
            _handlerContext = ExecutionContext.Capture();
            _handler = handler;
            _owed = false;
            finished = _finished;
        }
        if (finished) TellHandler();
        else Kick();
        return true;
    }

    /// <returns>The context to go back to; <see langword="null"/>: none was entered.</returns>
    private ExecutionContext? EnterHandlerContext()
    {
        if (_handler is null || _handlerContext is not { } context) return null;
        var outer = ExecutionContext.Capture();
        if (outer is not null) ExecutionContext.Restore(context);
        return outer;
    }

    private Outcome Handle(ReadOnlyMemory<byte> payload)
    {
        Count(payload.Length);
        ValueTask handling;
        _handling = true;
        try
        {
            handling = _handler!.OnMessageAsync(_connection, _assembly.Type, payload);
            if (handling.IsCompleted)
            {
                handling.GetAwaiter().GetResult();
                return Handled();
            }
        }
        catch (Exception e)
        {
            return HandlerFailed(e);
        }
        _awaitsHandler = true;
        Suspend(handling);
        return Outcome.Suspended;
    }

    private void Count(int length)
    {
        _uncounted.Add(length);
        if (_offset == _segment.Length) Count();
    }

    private void Count()
    {
        if (_uncounted.TryTake(out var messages, out var bytes)) _options.Metrics.Received(messages, bytes);
    }

    private Outcome HandleAssembled(Message message)
    {
        _lent = message;
        return Handle(message.Payload);
    }

    private Outcome Handled()
    {
        _handling = false;
        _lent.Dispose();
        _lent = default;
        _phase = Phase.Header;
        return Outcome.Continue;
    }

    private Outcome HandlerFailed(Exception error)
    {
        Handled();
        if (!_connection.OnHandlerFailed(error)) return Outcome.Continue;
        DropMessage();
        _phase = Phase.Linger;
        return Outcome.Continue;
    }

    private Outcome TellPing(ReadOnlySpan<byte> payload)
    {
        try
        {
            _handler?.OnPing(_connection, payload);
            return Outcome.Continue;
        }
        catch (Exception e)
        {
            return HandlerFailed(e);
        }
    }

    private Outcome TellPong(ReadOnlySpan<byte> payload)
    {
        try
        {
            _handler?.OnPong(_connection, payload);
            return Outcome.Continue;
        }
        catch (Exception e)
        {
            return HandlerFailed(e);
        }
    }

    private void TellHandler()
    {
        if (_closeTold != 0 || _handler is not { } handler || _connection.CloseResult is not { } result) return;
        if (Interlocked.Exchange(ref _closeTold, 1) != 0) return;
        _handling = true;
        try
        {
            handler.OnClose(_connection, result);
        }
        catch (Exception e)
        {
            _connection.OnHandlerFailed(e);
        }
        _handling = false;
    }

    private static void Observe(ValueTask task)
    {
        try
        {
            task.GetAwaiter().GetResult();
        }
        catch
        {
            // Whoever caused it has told.
        }
    }

    /// <returns><see langword="false"/>: somebody else goes on with the loop.</returns>
    private bool Suspend(ValueTask until)
    {
        Count();
        _suspended = until;
        _suspended.GetAwaiter().UnsafeOnCompleted(_onResumed ??= OnResumed);
        return false;
    }

    private void OnResumed()
    {
        var outer = BeginTurn();
        var handler = _awaitsHandler;
        _awaitsHandler = false;
        try
        {
            _suspended.GetAwaiter().GetResult();
            if (handler) Handled();
        }
        catch (Exception e)
        {
            // Else it was a flush, whose loss the sender has reported.
            if (handler) HandlerFailed(e);
        }
        Pump();
        EndTurn(outer);
    }
}
