
namespace Sluice;

/// <summary>
/// The third level of the API: callbacks that run on the receive loop, in order, one at a time for each connection,
/// with payloads in the transport's own buffer. What they send while more frames wait in the buffer leaves in one
/// flush. Blocking in them holds up this connection; with <see cref="ConnectionOptions.RunInline"/> on some transports others, too.
/// See <see cref="WebSocketConnection.RunAsync"/>.
/// </summary>
public interface IWebSocketHandler
{
    /// <summary>The connection is open; messages come after this is done.</summary>
    ValueTask OnOpenAsync(WebSocketConnection connection) => default;

    /// <summary>A whole message. The next one comes when the returned task is done.</summary>
    /// <param name="connection">Where it came from.</param>
    /// <param name="type">Text (valid UTF-8) or binary.</param>
    /// <param name="payload">The transport's memory: good until the returned task is done, then it is used again. Not to be changed.</param>
    ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload);

    /// <summary>A ping came; the pong has been queued already.</summary>
    /// <param name="connection">Where it came from.</param>
    /// <param name="payload">At most 125 bytes, good during the call.</param>
    void OnPing(WebSocketConnection connection, ReadOnlySpan<byte> payload)
    {
    }

    /// <summary>A pong came, asked for or not.</summary>
    /// <param name="connection">Where it came from.</param>
    /// <param name="payload">At most 125 bytes, good during the call.</param>
    void OnPong(WebSocketConnection connection, ReadOnlySpan<byte> payload)
    {
    }

    /// <summary>The connection has ended. Called once, last.</summary>
    void OnClose(WebSocketConnection connection, CloseResult result)
    {
    }
}
