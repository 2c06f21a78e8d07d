using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// What the input ends with: a violation, the peer's close frame, or no more bytes. When it stands right behind a
/// message, whoever received that message first gets to answer it: the close frame goes out when the next message is
/// asked for (RFC 6455 §5.5.1 allows the delay), so that what is sent does not depend on how the bytes were cut.
/// </summary>
internal sealed partial class ReceiveLoop
{
    private const int MuchUnread = 2048;

    private ProtocolViolation? _violation;
    private CloseCode _closeCode;
    private string? _closeReason;
    private bool _lastFrameSeen;
    private long _passed; // bytes behind the peer's close frame
    private bool _owed; // a message was handed out, and nothing was asked for since
    private bool _graceGiven;
    private bool _graceOver;

    /// <summary>Whoever holds the last message had time enough to answer it.</summary>
    public void EndGrace()
    {
        lock (this) _graceOver = true;
        Kick();
    }

    private Outcome Fail(ProtocolViolation violation)
    {
        _violation = violation;
        _phase = Phase.Ending;
        return Outcome.Continue;
    }

    private Outcome FailNow(ProtocolViolation violation)
    {
        _violation = violation;
        return EndInput();
    }

    private Outcome TakeClose(ReadOnlySpan<byte> payload)
    {
        _violation = ClosePayload.TryRead(payload, out _closeCode, out _closeReason);
        _lastFrameSeen = true;
        _phase = Phase.Ending;
        return Outcome.Continue;
    }

    private Outcome ReachEnd()
    {
        bool show;
        lock (this)
        {
            if (!MayEnd) return Outcome.NeedConsumer;
            show = HoldsClose;
        }
        return show ? ShowClose() : EndInput();
    }

    // With the gate held.
    private bool MayEnd => HoldsClose ? _demand != Demand.None : !_owed || _demand != Demand.None || _discard || _graceOver;

    private Outcome EndInput()
    {
        DropMessage();
        if (_violation is { } rule) _options.Metrics.Violated(rule);
        if (_violation is { } violation) _connection.Fail(violation.CloseCode, violation.Message);
        else if (_lastFrameSeen) _connection.OnCloseFrame(_closeCode, _closeReason!, cameFirst: _graceGiven || _closeShown);
        else _connection.OnInputEnded();
        if (_inputEnded && !_hasBuffer) _phase = Phase.Done;
        else if (!_lastFrameSeen) _phase = Phase.Linger;
        else _phase = _connection.Role == Role.Client ? Phase.AwaitEnd : Phase.PassRest; // §7.1.1: the server ends the transport
        return Outcome.Continue;
    }

    // A peer may send on behind its close frame, against §5.5.1. Ending the transport with bytes unread would be a reset,
    // which can destroy our answers on their way. Where much is here, more is coming, and is waited for.
    private Outcome PassRest()
    {
        _passed += _segment.Length - _offset;
        _offset = _segment.Length;
        if (_passed <= MuchUnread) return Outcome.NeedData;
        _phase = Phase.AwaitEnd;
        _connection.Linger();
        return Outcome.NeedData;
    }

    private bool ReadRest()
    {
        if (_input.TryRead(out var rest)) return Take(rest);
        _phase = Phase.Done;
        return true;
    }
}
