using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Sluice.Cli.Connect;

/// <summary>One line of JSON on stdout for each event. What went wrong stands on stderr, too.</summary>
internal sealed class JsonReport(StandardOutput output, string url, TimeProvider time) : IReport
{
    private const int MostBody = 4096;

    // For programs, not for pages: only what JSON itself wants is escaped, and control characters with it.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Connected(WebSocketConnection connection) => Write("connected", json =>
    {
        json.WriteString("url"u8, url);
        json.WriteString("subprotocol"u8, connection.Subprotocol);
        json.WriteString("compression"u8, connection.Compression?.ToString());
        var version = connection.HttpVersion ?? System.Net.HttpVersion.Version11;
        json.WriteString("http"u8, version.Major == 1 ? "1.1" : "2");
        json.WriteNumber("status"u8, version.Major == 1 ? 101 : 200);
    });

    public void Sent(MessageType type, int size) => Write("sent", json =>
    {
        json.WriteString("type"u8, Name(type));
        json.WriteNumber("size"u8, size);
    });

    public ValueTask ReceivedAsync(MessageType type, ReadOnlyMemory<byte> payload) => WriteAsync("message", json =>
    {
        json.WriteString("type"u8, Name(type));
        json.WriteNumber("size"u8, payload.Length);
        if (type == MessageType.Text) json.WriteString("text"u8, payload.Span);
        else json.WriteBase64String("base64"u8, payload.Span);
    });

    public void Ping(int size) => Write("ping", json => json.WriteNumber("size"u8, size));

    public void Pong(int size, TimeSpan? roundTrip) => Write("pong", json =>
    {
        json.WriteNumber("size"u8, size);
        WriteRoundTrip(json, roundTrip);
    });

    public void Closed(CloseResult result, TimeSpan? roundTrip) => Write("closed", json =>
    {
        json.WriteNumber("code"u8, (int)result.Code);
        json.WriteString("reason"u8, result.Reason);
        json.WriteBoolean("clean"u8, result.WasClean);
        json.WriteString("by"u8, result.ByPeer ? "peer" : "us");
        WriteRoundTrip(json, roundTrip);
    });

    public void Reconnecting(Reconnection next) => Write("reconnecting", json =>
    {
        json.WriteNumber("attempt"u8, next.Attempt);
        json.WriteNumber("delayMs"u8, Math.Round(next.Delay.TotalMilliseconds));
    });

    public void InDoubt(long sent, bool isOpen)
    {
        ErrorLines.WriteInDoubt(sent, isOpen);
        Write("inDoubt", json =>
        {
            json.WriteNumber("sent"u8, sent);
            json.WriteBoolean("handingOver"u8, isOpen);
        });
    }

    public void NotConnected(HandshakeException error)
    {
        ErrorLines.Write(error);
        Write("error", json =>
        {
            json.WriteString("kind"u8, error.Failure.ToString());
            json.WriteString("message"u8, ErrorLines.Translate(error.Message));
            if (error.Status is not { } status) return;
            json.WriteNumber("status"u8, status);
            json.WriteString("reason"u8, error.Reason);
            json.WriteString("body"u8, Encoding.UTF8.GetString(error.Body.Span[..Math.Min(error.Body.Length, MostBody)]));
        });
    }

    public void Failed(string message)
    {
        ErrorLines.Write(message);
        Write("error", json => json.WriteString("message"u8, message));
    }

    private static string Name(MessageType type) => type == MessageType.Text ? "text" : "binary";

    private static void WriteRoundTrip(Utf8JsonWriter json, TimeSpan? roundTrip)
    {
        if (roundTrip is { } value) json.WriteNumber("rttMs"u8, Math.Round(value.TotalMilliseconds, 3));
    }

    // What waits for room is only held up where messages come from.
    private void Write(string name, Action<Utf8JsonWriter> fields) => _ = WriteAsync(name, fields);

    private ValueTask WriteAsync(string name, Action<Utf8JsonWriter> fields)
    {
        var line = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(line, Options))
        {
            json.WriteStartObject();
            json.WriteString("event"u8, name);
            json.WriteString("time"u8, time.GetUtcNow());
            fields(json);
            json.WriteEndObject();
        }
        return output.WriteAsync(line.WrittenSpan, "\n"u8);
    }
}
