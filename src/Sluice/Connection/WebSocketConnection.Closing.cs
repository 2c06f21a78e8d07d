using Sluice.Protocol;

namespace Sluice;

/// <summary>How a connection comes to its end: what the receive loop, the sender and the clock report.</summary>
public sealed partial class WebSocketConnection
{
    internal void OnPing(ReadOnlySpan<byte> payload, IWebSocketHandler? handler)
    {
        Sender.SendControl(Opcode.Pong, payload, _loop.IsCorked);
        handler?.OnPing(this, payload);
    }

    internal void OnPong(ReadOnlySpan<byte> payload, IWebSocketHandler? handler)
    {
        KeepAlive.OnPong(payload);
        handler?.OnPong(this, payload);
    }

    /// <summary>The peer's close frame came: answers it unless it is the answer (RFC 6455 §5.5.1).</summary>
    /// <returns>Whether the peer closes the transport, and is to be waited for: a client lets the server do it (§7.1.1).</returns>
    internal bool OnCloseFrame(CloseCode code, string reason)
    {
        var first = Interlocked.Exchange(ref _closeSent, 1) == 0;
        if (first)
        {
            Span<byte> payload = stackalloc byte[2];
            // The answer carries the peer's code; one that may not be sent (1005: none came) gives an empty frame.
            var length = code.MayBeSent() ? ClosePayload.Write(payload, code, "") : 0;
            Sender.TrySendClose(payload[..length]);
        }
        End(new CloseResult(code, reason, byPeer: first, wasClean: true));
        if (Role == Role.Server) return false;
        KeepAlive.EndWithin(_options.CloseTimeout);
        return true;
    }

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

    internal void OnHandlerFailed(Exception error)
    {
        _handlerError ??= error;
        if (error is WebSocketClosedException) _handlerError = null; // the peer was faster: no fault of the handler's
        Fail(CloseCode.InternalError, "the handler failed", error);
    }

    /// <summary>The transport ended without a close frame.</summary>
    internal void OnInputEnded()
        => End(Vanished("the peer closed the transport without a close frame", error: null));

    internal void OnInputLost(Exception error)
    {
        End(Vanished("the transport failed: " + error.Message, error));
        Sender.Output.Abort();
    }

    internal void OnOutputLost(Exception? error)
    {
        if (!IsEnded)
        {
            End(Vanished(error is null ? "the peer takes no more bytes" : "the transport failed: " + error.Message, error));
        }
        _loop.Stop();
    }

    /// <summary>The loop is done with the input: lets what is queued leave, then ends the output.</summary>
    internal void OnInputReleased()
    {
        KeepAlive.EndWithin(_options.LingerTimeout);
        Sender.Uncork();
        Sender.Output.Complete();
    }

    internal void OnOutputCompleted()
    {
        KeepAlive.Release();
        _released.TrySetResult(CloseResult!);
    }

    /// <summary>The time given to the closing handshake, or to the peer to read our close frame, is over.</summary>
    internal void OnEndDue()
        => Abort(new CloseResult(CloseCode.AbnormalClosure, "the peer did not answer the close frame in time", byPeer: true, wasClean: false));

    internal void OnPeerSilent(int pings)
        => Abort(new CloseResult(CloseCode.AbnormalClosure, $"no sign of life from the peer after {pings} pings", byPeer: true, wasClean: false));

    internal void OnSendTimeout()
        => Abort(new CloseResult(CloseCode.AbnormalClosure, "the peer did not read for too long", byPeer: true, wasClean: false));

    internal void OnIdle()
    {
        if (Interlocked.Exchange(ref _closeSent, 1) != 0) return;
        Span<byte> payload = stackalloc byte[FrameHeader.MaxControlPayload];
        Sender.TrySendClose(payload[..ClosePayload.Write(payload, CloseCode.GoingAway, "idle for too long")]);
        KeepAlive.EndWithin(_options.CloseTimeout);
        _loop.DiscardUnwanted();
    }

    private static CloseResult Vanished(string reason, Exception? error)
        => new(CloseCode.AbnormalClosure, reason, byPeer: true, wasClean: false, error);
}
