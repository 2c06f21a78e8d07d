using System.Net.WebSockets;

namespace Sluice.Interop;

/// <summary>
/// A connection as a <see cref="WebSocket"/>. Its state is what its user has seen: the peer's close frame counts when a
/// receive has returned it, as with the BCL's own, though the connection reads ahead.
/// </summary>
internal sealed partial class ConnectionWebSocket : WebSocket
{
    private readonly WebSocketConnection _connection;
    private readonly ReceiveLoop _loop;
    private readonly Lock _gate = new();
    private volatile WebSocketState _seen = WebSocketState.Open;
    private bool _disposed;
    private WebSocketCloseStatus? _closeStatus;
    private string? _closeDescription;

    public ConnectionWebSocket(WebSocketConnection connection)
    {
        _connection = connection;
        _loop = connection.Receiver;
        _parts = _loop.ReadInParts();
        _fragments = new MessageWriter(connection.Sender, MessageType.Binary);
    }

    public override WebSocketCloseStatus? CloseStatus => _closeStatus;

    public override string? CloseStatusDescription => _closeDescription;

    public override string? SubProtocol => _connection.Subprotocol;

    public override WebSocketState State
    {
        get
        {
            var seen = _seen;
            if (seen is WebSocketState.Closed or WebSocketState.Aborted || _connection.CloseResult is not { } result) return seen;
            if (!result.WasClean) return WebSocketState.Aborted;
            // It was closed without its user's doing: by a host that stops, or because he did not answer in time.
            return seen == WebSocketState.Open ? WebSocketState.CloseReceived : seen;
        }
    }

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        var code = CheckClose(closeStatus, statusDescription);
        if (Refuse(WebSocketState.Open, WebSocketState.CloseReceived, WebSocketState.CloseSent) is { } refusal) return Task.FromException(refusal);
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled(cancellationToken);
        return CloseAsync(code, statusDescription ?? "", cancellationToken);
    }

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        var code = CheckClose(closeStatus, statusDescription);
        if (Refuse(WebSocketState.Open, WebSocketState.CloseReceived) is { } refusal) return Task.FromException(refusal);
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled(cancellationToken);
        OnCloseSent();
        _connection.SendClose(code, statusDescription ?? "");
        _loop.EndGrace(); // nothing can be sent any more, so the peer's close frame need not wait for it
        return Task.CompletedTask;
    }

    public override void Abort()
    {
        lock (_gate)
        {
            if (_seen != WebSocketState.Closed) _seen = WebSocketState.Aborted;
        }
        AbortConnection();
    }

    /// <summary>Without a closing handshake, when none was begun.</summary>
    public override void Dispose()
    {
        WebSocketState seen;
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            seen = _seen;
            if (seen != WebSocketState.Aborted) _seen = WebSocketState.Closed;
        }
        // What it says in the close frame is to arrive: the answer to it is awaited behind its back, for CloseTimeout at most.
        if (seen == WebSocketState.CloseSent) _ = _connection.CloseAsync();
        else if (seen == WebSocketState.CloseReceived) _loop.EndGrace();
        else if (seen == WebSocketState.Open) AbortConnection();
    }

    // One that has ended already may still be sending its answer to the peer's close frame.
    private void AbortConnection()
    {
        if (_connection.CloseResult is null) _connection.Abort();
    }

    private static CloseCode CheckClose(WebSocketCloseStatus status, string? description)
    {
        var code = (CloseCode)status;
        Protocol.ClosePayload.Check(code, description ?? "");
        return code;
    }

    private async Task CloseAsync(CloseCode code, string reason, CancellationToken cancellation)
    {
        OnCloseSent();
        AbandonMessage();
        Take(await _connection.CloseAsync(code, reason, cancellation).ConfigureAwait(false));
    }

    private void OnCloseSent()
    {
        lock (_gate)
        {
            if (_seen == WebSocketState.Open) _seen = WebSocketState.CloseSent;
            else if (_seen == WebSocketState.CloseReceived) _seen = WebSocketState.Closed;
        }
    }

    // The connection has ended, and whoever waited for it is to see how.
    private void Take(CloseResult result)
    {
        if (!result.WasClean) throw Lost(result);
        OnCloseReceived(result.Code, result.Reason);
    }

    private void OnCloseReceived(CloseCode code, string reason)
    {
        lock (_gate)
        {
            // The BCL's own takes a close frame without a code for a normal one.
            _closeStatus ??= code == CloseCode.NoStatusReceived ? WebSocketCloseStatus.NormalClosure : (WebSocketCloseStatus)code;
            _closeDescription ??= reason;
            if (_seen == WebSocketState.Open) _seen = WebSocketState.CloseReceived;
            else if (_seen == WebSocketState.CloseSent) _seen = WebSocketState.Closed;
        }
    }

    private Exception Lost(CloseResult? result, Exception? cause = null)
    {
        lock (_gate)
        {
            if (_seen == WebSocketState.Aborted) return new OperationCanceledException("the WebSocket was aborted by this side", cause);
            // In order, but not by its user: by a host that stops, or because he took too long to answer.
            if (result is null or { WasClean: true }) return new WebSocketException(WebSocketError.InvalidState, cause!.Message, cause);
            if (_seen != WebSocketState.Closed) _seen = WebSocketState.Aborted;
        }
        var failed = result is { ByPeer: false, WasClean: false } && result.Code != CloseCode.AbnormalClosure;
        var error = failed ? WebSocketError.Faulted : WebSocketError.ConnectionClosedPrematurely;
        return new WebSocketException(error, $"the WebSocket is lost: {result}", cause ?? result?.Error);
    }

    private Exception? Refuse(params ReadOnlySpan<WebSocketState> valid)
    {
        var state = _seen; // of what its user has not seen yet the operation itself tells
        if (valid.Contains(state)) return null;
        if (_disposed && state != WebSocketState.Aborted) return new ObjectDisposedException(nameof(WebSocket));
        var allowed = string.Join(", ", valid.ToArray());
        return new WebSocketException(
            WebSocketError.InvalidState, $"the WebSocket is {state}; this can be done only while it is {allowed}", _connection.CloseResult?.Error);
    }
}
