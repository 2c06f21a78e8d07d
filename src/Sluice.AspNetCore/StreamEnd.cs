using Microsoft.AspNetCore.Http;

namespace Sluice.AspNetCore;

/// <summary>
/// Ends the stream of an HTTP/2 or 3 connection as soon as its WebSocket has ended, though the request's handler may go on:
/// in order after a closing handshake, and when the client has ended its own direction in order; else by a reset (RFC 8441 §5).
/// </summary>
internal sealed class StreamEnd(HttpResponse response, TransportAbort abort)
{
    private volatile WebSocketConnection? _connection;

    public WebSocketConnection? Connection
    {
        get => _connection;
        set => _connection = value;
    }

    public void Run()
    {
        // A client that only stopped sending still reads: a reset would destroy what it is owed.
        var endedByClient = _connection?.CloseResult is { ByPeer: true, Error: null };
        if (!endedByClient && _connection?.CloseResult is { Code: CloseCode.AbnormalClosure }) abort.Invoke();
        else _ = CompleteAsync();
    }

    private async Task CompleteAsync()
    {
        try
        {
            await response.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The stream was reset, or has ended already.
        }
    }
}
