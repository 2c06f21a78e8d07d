namespace Sluice;

/// <summary>The HTTP response whose content is a connection's bytes, until they end.</summary>
/// <param name="response">The response. Disposing it before its end resets the stream, over HTTP/2 by RST_STREAM with CANCEL.</param>
/// <param name="dial">How it was dialled.</param>
/// <param name="owned">The handler, when it serves this response alone: letting it go closes its HTTP/2 connection at once.</param>
internal sealed class OpenResponse(HttpResponseMessage response, Dial dial, SocketsHttpHandler? owned)
{
    // For a frame that the handler writes in its own time.
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(1);

    private Task? _reset;

    /// <summary>Ends the bytes at once.</summary>
    public void Abort()
    {
        if (owned is not null) _reset ??= dial.NextWriteAsync();
        response.Dispose();
    }

    /// <summary>Waits for the connection's end, and lets go of what it was made of.</summary>
    public async Task ReleaseAsync(WebSocketConnection connection)
    {
        var result = await connection.Released.ConfigureAwait(false);
        if (result.WasClean) response.Dispose();
        else Abort();
        if (_reset is not null) await Task.WhenAny(_reset, Task.Delay(WriteTimeout)).ConfigureAwait(false);
        owned?.Dispose();
    }
}
