namespace Sluice;

/// <summary>Where the loop calls a handler, and waits for it.</summary>
internal sealed partial class ReceiveLoop
{
    private bool _handling;
    private bool _closeTold;
    private Message _lent;

    private Outcome Handle(ReadOnlyMemory<byte> payload)
    {
        _metrics.Received(1, payload.Length);
        ValueTask handling;
        try
        {
            handling = _handler!.OnMessageAsync(_connection, _assembly.Type, payload);
            if (handling.IsCompleted)
            {
                handling.GetAwaiter().GetResult();
                Handled();
                return Outcome.Continue;
            }
        }
        catch (Exception e)
        {
            return HandlerFailed(e);
        }
        _handling = true;
        Suspend(handling);
        return Outcome.Suspended;
    }

    private Outcome HandleAssembled()
    {
        _lent = _assembly.ToMessage();
        return Handle(_lent.Payload);
    }

    private void Handled()
    {
        _lent.Dispose();
        _lent = default;
        _phase = Phase.Header;
    }

    private Outcome HandlerFailed(Exception error)
    {
        Handled();
        _connection.OnHandlerFailed(error);
        _phase = Phase.Linger;
        return Outcome.Continue;
    }

    private void TellHandler()
    {
        if (_handler is null || _closeTold || _connection.CloseResult is not { } result) return;
        _closeTold = true;
        try
        {
            _handler.OnClose(_connection, result);
        }
        catch (Exception e)
        {
            _connection.OnHandlerFailed(e);
        }
    }

    /// <returns><see langword="false"/>: somebody else goes on with the loop.</returns>
    private bool Suspend(ValueTask until)
    {
        _suspended = until;
        _suspended.GetAwaiter().UnsafeOnCompleted(_onResumed);
        return false;
    }

    private void OnResumed()
    {
        BeginTurn();
        var handling = _handling;
        _handling = false;
        try
        {
            _suspended.GetAwaiter().GetResult();
            if (handling) Handled();
        }
        catch (Exception e)
        {
            // Else it was a flush, whose loss the sender has reported.
            if (handling) HandlerFailed(e);
        }
        Pump();
        EndTurn();
    }
}
