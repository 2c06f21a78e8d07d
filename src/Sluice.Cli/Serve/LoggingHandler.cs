using System.Text;
using Microsoft.Extensions.Logging;

namespace Sluice.Cli.Serve;

/// <summary>Writes a line for each message into the log, then hands it on.</summary>
internal sealed partial class LoggingHandler(IWebSocketHandler inner, ILogger logger, string id) : IWebSocketHandler
{
    private const int Shown = 80;

    public ValueTask OnOpenAsync(WebSocketConnection connection) => inner.OnOpenAsync(connection);

    public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
    {
        Write(logger, id, type, payload);
        return inner.OnMessageAsync(connection, type, payload);
    }

    public void OnClose(WebSocketConnection connection, CloseResult result) => inner.OnClose(connection, result);

    public static void Write(ILogger logger, string id, MessageType type, ReadOnlyMemory<byte> payload)
    {
        if (!logger.IsEnabled(LogLevel.Information)) return;
        Received(logger, id, type == MessageType.Text ? "text" : "binary", payload.Length, Excerpt(type, payload.Span));
    }

    // A message is the peer's to choose: what a terminal might obey does not reach it.
    private static string Excerpt(MessageType type, ReadOnlySpan<byte> payload)
    {
        var part = payload[..Math.Min(payload.Length, Shown)];
        if (type == MessageType.Binary) return Convert.ToHexString(part[..Math.Min(part.Length, Shown / 2)]);
        var text = new StringBuilder(Shown);
        foreach (var c in Encoding.UTF8.GetString(part)) text.Append(char.IsControl(c) ? '·' : c);
        return text.ToString();
    }

    [LoggerMessage(20, LogLevel.Information, "{Id} received {Type} of {Size} B: {Excerpt}")]
    private static partial void Received(ILogger logger, string id, string type, int size, string excerpt);
}
