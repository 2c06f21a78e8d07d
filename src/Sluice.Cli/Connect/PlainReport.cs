using System.Globalization;
using System.Text;

namespace Sluice.Cli.Connect;

/// <summary>
/// Messages on stdout, and nothing else there: a text as a line, a binary message as its bytes alone, so that they can be
/// piped on. On a terminal binary is a line of hexadecimal digits, and control characters are escaped. Status on stderr.
/// </summary>
internal sealed class PlainReport(StandardOutput output, string url, bool isTerminal, bool showsMessages) : IReport
{
    private const int MostHexBytes = 4096;

    public void Connected(WebSocketConnection connection)
        => Status($"connected to {url}"
            + (connection.HttpVersion?.Major == 2 ? " over HTTP/2" : "")
            + (connection.Subprotocol is { } subprotocol ? $", subprotocol {subprotocol}" : "")
            + (connection.Compression is { } agreement ? $", {agreement}" : ""));

    public void Sent(MessageType type, int size)
    {
    }

    public ValueTask ReceivedAsync(MessageType type, ReadOnlyMemory<byte> payload)
    {
        if (!showsMessages) return default;
        if (isTerminal) return output.WriteAsync(Encoding.UTF8.GetBytes(Render(type, payload.Span)), "\n"u8);
        return output.WriteAsync(payload.Span, type == MessageType.Text ? "\n"u8 : default);
    }

    public void Ping(int size)
    {
    }

    public void Pong(int size, TimeSpan? roundTrip)
    {
    }

    public void Closed(CloseResult result, TimeSpan? roundTrip) => Status(Printable.Line(result.ToString()));

    public void Reconnecting(Reconnection next)
        => Status(string.Create(CultureInfo.InvariantCulture, $"connecting again in {next.Delay.TotalSeconds:0.0} s (attempt {next.Attempt})"));

    public void InDoubt(long sent, bool isOpen) => ErrorLines.WriteInDoubt(sent, isOpen);

    public void NotConnected(HandshakeException error) => ErrorLines.Write(error);

    public void Failed(string message) => ErrorLines.Write(message);

    private static string Render(MessageType type, ReadOnlySpan<byte> payload)
    {
        if (type == MessageType.Text) return Printable.Lines(Encoding.UTF8.GetString(payload));
        var shown = Convert.ToHexStringLower(payload[..Math.Min(payload.Length, MostHexBytes)]);
        return payload.Length > MostHexBytes ? $"{shown}… ({payload.Length} bytes)" : shown;
    }

    private static void Status(string line) => Console.Error.WriteLine(line);
}
