using System.Net.WebSockets;
using Sluice.Interop;

namespace Sluice;

/// <summary>The connection as the base class library's type.</summary>
public sealed partial class WebSocketConnection
{
    private ConnectionWebSocket? _asWebSocket;

    internal ReceiveLoop Receiver => _loop;

    /// <summary>This connection as a <see cref="WebSocket"/>, for code that takes one. It behaves as the BCL's own; where it is
    /// kinder: cancelling a receive or a send leaves it usable, any number of whole messages may be sent at once, and every wait
    /// for the peer's close frame, or for one's own answer to it, ends after <see cref="ConnectionOptions.CloseTimeout"/>.</summary>
    /// <returns>The same object at every call. It alone receives from now on; disposing it ends the connection.</returns>
    /// <exception cref="InvalidOperationException">A receive is under way, or a handler runs.</exception>
    public WebSocket AsWebSocket()
    {
        if (Volatile.Read(ref _asWebSocket) is { } made) return made;
        var webSocket = new ConnectionWebSocket(this);
        return Interlocked.CompareExchange(ref _asWebSocket, webSocket, null) ?? webSocket;
    }
}
