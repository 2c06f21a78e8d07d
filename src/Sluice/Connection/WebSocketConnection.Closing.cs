using Sluice.Protocol;

namespace Sluice;

/// <summary>How a connection comes to its end: what the receive loop, the sender and the clock report.</summary>
public sealed partial class WebSocketConnection
{
    private Exception? _outputError;
    private volatile bool _outputLost;
    private int _aborted;
    private int _endStage;

    // Who may still touch the transport: the receive loop, the sender, and whoever aborts right now. When the last
    // has let go the transport is released, and may be somebody else's.
    private int _holds = 2;
    private volatile bool _inputDone;
    private volatile string? _closedWith; // the close frame of ours that asked for an answer, in words

    internal void OnPing(ReadOnlySpan<byte> payload) => Sender.SendControl(Opcode.Pong, payload, _loop.IsCorked);

    internal void OnPong(ReadOnlySpan<byte> payload) => KeepAlive.OnPong(payload);

    /// <summary>Sends the close frame, unless one was sent before. Until <see cref="ConnectionOptions.CloseTimeout"/> is over
    /// messages may still be received.</summary>
    internal void SendClose(CloseCode code, string reason)
    {
        Span<byte> payload = stackalloc byte[FrameHeader.MaxControlPayload];
        var length = ClosePayload.Write(payload, code, reason);
        if (IsEnded || Interlocked.Exchange(ref _closeSent, 1) != 0) return;
        _closedWith = reason.Length == 0 ? $" ({(int)code})" : $" ({(int)code}: {reason})";
        Sender.TrySendClose(payload[..length]);
        KeepAlive.EndWithin(_options.CloseTimeout);
    }

    /// <summary>The peer's close frame came: answers it unless it is the answer (RFC 6455 §5.5.1).</summary>
    /// <param name="code">Its code.</param>
    /// <param name="reason">Its reason.</param>
    /// <param name="cameFirst">Whether it came before this side closed, though it is told only now.</param>
    internal void OnCloseFrame(CloseCode code, string reason, bool cameFirst)
    {
        var first = Interlocked.Exchange(ref _closeSent, 1) == 0;
        if (first)
        {
            Span<byte> payload = stackalloc byte[2];
            // The answer carries the peer's code; one that may not be sent (1005: none came) gives an empty frame.
            var length = code.MayBeSent() ? ClosePayload.Write(payload, code, "") : 0;
            Sender.TrySendClose(payload[..length]);
        }
        End(new CloseResult(code, reason, byPeer: first || cameFirst, wasClean: true));
        if (Role == Role.Client) KeepAlive.EndWithin(_options.CloseTimeout);
    }

    /// <summary>The peer sends on although it has closed: its bytes are passed over, for a while.</summary>
    internal void Linger() => KeepAlive.EndWithin(_options.LingerTimeout);

    /// <summary>Fails the connection (RFC 6455 §7.1.7): tells the peer why, then takes nothing more from it.</summary>
    internal void Fail(CloseCode code, string reason, Exception? error = null)
    {
        if (Interlocked.Exchange(ref _closeSent, 1) == 0)
        {
            Span<byte> payload = stackalloc byte[FrameHeader.MaxControlPayload];
            Sender.TrySendClose(payload[..ClosePayload.Write(payload, code, ClosePayload.Fit(reason))]);
        }
        End(new CloseResult(code, reason, byPeer: false, wasClean: false, error));
        KeepAlive.EndWithin(_options.LingerTimeout);
    }

    /// <summary>Whether a callback of the handler's has thrown: none but its <see cref="IWebSocketHandler.OnClose"/> is called then.</summary>
    internal bool HasHandlerFailed => _handlerError is not null;

    /// <returns>Whether the connection failed by it. A send that came too late for a closing connection is no fault.</returns>
    internal bool OnHandlerFailed(Exception error)
    {
        if (error is WebSocketClosedException && IsClosing) return false;
        _handlerError ??= error;
        Fail(CloseCode.InternalError, "the handler failed", error);
        _loop.DiscardUnwanted(); // outside of a callback nobody else lets the loop go on to the peer's close frame
        return true;
    }

    /// <summary>The input's end was met behind a message that its receiver may still want to answer.</summary>
    internal void OnEndHeldUp() => KeepAlive.GraceWithin(_options.CloseTimeout);

    internal void OnGraceOver() => _loop.EndGrace();

    /// <summary>The transport ended without a close frame.</summary>
    internal void OnInputEnded()
        => End(Vanished(_outputError is { } error ? Failed(error) : "the peer closed the transport without a close frame", _outputError));

    internal void OnInputLost(Exception error)
    {
        End(Vanished(Failed(error), error));
        Sender.Abort();
    }

    /// <summary>The transport takes no more. What the peer sent before, its close frame perhaps, is still to be read.</summary>
    internal void OnOutputLost(Exception? error)
    {
        if (IsEnded) return;
        _outputError = error;
        _outputLost = true;
        KeepAlive.EndWithin(_options.LingerTimeout);
    }

    /// <summary>The loop is done with the input: lets what is queued leave, then ends the output.</summary>
    internal void OnInputReleased()
    {
        _inputDone = true;
        KeepAlive.EndWithin(CloseResult!.WasClean ? _options.CloseTimeout : _options.LingerTimeout);
        Sender.Complete();
        LetGo();
    }

    internal void OnOutputCompleted() => LetGo();

    /// <summary>The time given to the closing handshake, or to the peer to read our close frame, is over: first no
    /// more is read, so that what was sent can leave in peace; after as long again the transport is torn down.</summary>
    internal void OnEndDue()
    {
        End(_outputLost
            ? Vanished(_outputError is { } error ? Failed(error) : "the peer takes no more bytes", _outputError)
            : GivenUp("the peer did not answer the close frame in time" + _closedWith));
        if (_inputDone || Interlocked.Exchange(ref _endStage, 1) != 0)
        {
            TearDown();
            return;
        }
        if (!TryHold()) return;
        KeepAlive.ExtendEnd(_options.LingerTimeout);
        _loop.Stop();
        LetGo();
    }

    internal void OnPeerSilent()
        => Abort(GivenUp($"no sign of life from the peer after {_options.KeepAliveMisses} pings"));

    internal void OnSendTimeout() => Abort(GivenUp("the peer did not read for too long"));

    internal void OnIdle()
    {
        if (Interlocked.Exchange(ref _closeSent, 1) != 0) return;
        Span<byte> payload = stackalloc byte[FrameHeader.MaxControlPayload];
        Sender.TrySendClose(payload[..ClosePayload.Write(payload, CloseCode.GoingAway, "idle for too long")]);
        KeepAlive.EndWithin(_options.CloseTimeout);
        _loop.DiscardUnwanted();
    }

    private void Abort(CloseResult result)
    {
        End(result);
        TearDown();
    }

    private void TearDown()
    {
        if (Interlocked.Exchange(ref _aborted, 1) != 0) return;
        if (!TryHold()) return; // released: the transport is not ours any more
        Sender.Abort();
        try
        {
            _abortTransport?.Invoke();
        }
        catch
        {
            // It is gone, then.
        }
        _loop.Stop();
        LetGo();
    }

    // The first one to call it decides how the connection ended.
    private bool End(CloseResult result)
    {
        if (Interlocked.CompareExchange(ref _result, result, null) is not null) return false;
        Count(result.Code);
        Sender.Stop();
        KeepAlive.Stop(result);
        Volatile.Read(ref _ended)?.TrySetResult(result);
        _loop.EndConsumers();
        return true;
    }

    // A listener to the metrics is somebody's code: what it throws must not keep the connection from ending.
    private void Count(CloseCode code)
    {
        try
        {
            _options.Metrics.Closed(code);
        }
        catch
        {
            // The listener's own fault.
        }
    }

    private bool TryHold()
    {
        for (var holds = Volatile.Read(ref _holds); holds > 0;)
        {
            var seen = Interlocked.CompareExchange(ref _holds, holds + 1, holds);
            if (seen == holds) return true;
            holds = seen;
        }
        return false;
    }

    private void LetGo()
    {
        if (Interlocked.Decrement(ref _holds) != 0) return;
        KeepAlive.Release();
        Sender.EndCompression();
        TellRelease();
    }

    private static string Failed(Exception error) => "the transport failed: " + error.Message;

    // This side's decision, though for what the peer did not do.
    private static CloseResult GivenUp(string reason) => new(CloseCode.AbnormalClosure, reason, byPeer: false, wasClean: false);

    private static CloseResult Vanished(string reason, Exception? error)
        => new(CloseCode.AbnormalClosure, reason, byPeer: true, wasClean: false, error);
}
