// The first level of the API, on a bare TCP socket: the handshake as values, frames by hand, no connection object.
// Echoes every data frame of one client, answers its pings and its close, and ends.
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Sluice.Handshake;
using Sluice.Protocol;

using var listener = new TcpListener(IPAddress.Loopback, port: 0);
listener.Start();
Console.WriteLine($"listening on ws://{listener.LocalEndpoint}/");
using var client = await listener.AcceptTcpClientAsync();
using var stream = client.GetStream();

var input = new byte[64 * 1024];
var length = 0;
while (input.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
{
    var read = length == input.Length ? 0 : await stream.ReadAsync(input.AsMemory(length));
    if (read == 0) return; // no request, or one with too many headers
    length += read;
}
var end = input.AsSpan(0, length).IndexOf("\r\n\r\n"u8) + 4;
var request = Encoding.Latin1.GetString(input, 0, end);
var answer = ServerHandshake.Evaluate(
    new HandshakeRequest
    {
        Method = request.Split(' ')[0],
        Host = Header("Host"),
        Upgrade = Header("Upgrade"),
        Connection = Header("Connection"),
        Key = Header("Sec-WebSocket-Key"),
        Version = Header("Sec-WebSocket-Version"),
    },
    HandshakePolicy.Default);
if (!answer.IsAccepted)
{
    await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {answer.Refusal.Status} Refused\r\nConnection: close\r\n\r\n{answer.Refusal.Message}\n"));
    return;
}
await stream.WriteAsync(Encoding.Latin1.GetBytes(
    $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {answer.Accept}\r\n\r\n"));

var parser = new FrameParser(Role.Server);
var output = new ArrayBufferWriter<byte>();
var payload = new ArrayBufferWriter<byte>();
var unread = input.AsMemory(end, length - end); // bytes that came right behind the request
while (true)
{
    while (unread.Length > 0)
    {
        var what = parser.Read(unread.Span, out var consumed);
        if (what == FrameEvent.Payload)
        {
            Masking.Apply(unread.Span[..consumed], payload.GetSpan(consumed), parser.Header.MaskingKey, (int)((parser.Offset - consumed) & 3));
            payload.Advance(consumed);
        }
        else if (what == FrameEvent.Violation)
        {
            await CloseAsync(parser.Violation!.CloseCode, parser.Violation.Message);
            return;
        }
        unread = unread[consumed..];
        if (what == FrameEvent.Incomplete || parser.Remaining > 0) continue;

        var header = parser.Header;
        var opcode = header.Opcode == Opcode.Ping ? Opcode.Pong : header.Opcode;
        if (opcode != Opcode.Pong || header.Opcode == Opcode.Ping) FrameWriter.Write(output, opcode, payload.WrittenSpan, fin: header.Fin);
        payload.ResetWrittenCount();
        if (header.Opcode != Opcode.Close) continue;
        await FlushAsync();
        return;
    }
    await FlushAsync(); // one write for all frames that one read brought
    var more = await stream.ReadAsync(input);
    if (more == 0) return;
    unread = input.AsMemory(0, more);
}

string? Header(string name)
{
    var start = request.IndexOf($"\r\n{name}:", StringComparison.OrdinalIgnoreCase);
    if (start < 0) return null;
    start += name.Length + 3;
    return request[start..request.IndexOf("\r\n", start, StringComparison.Ordinal)].Trim();
}

async Task FlushAsync()
{
    await stream.WriteAsync(output.WrittenMemory);
    output.ResetWrittenCount();
}

async Task CloseAsync(Sluice.CloseCode code, string reason)
{
    var bytes = new byte[125];
    FrameWriter.Write(output, Opcode.Close, bytes.AsSpan(0, ClosePayload.Write(bytes, code, reason)));
    await FlushAsync();
}
