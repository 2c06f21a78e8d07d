using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Sluice.Client.Tests;

/// <summary>A server's end of one connection, byte by byte. It knows just enough of RFC 6455 to be a peer.</summary>
internal sealed class RawPeer(Socket socket) : IDisposable
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    /// <summary>The request's header, once read.</summary>
    public string Request { get; private set; } = "";

    public NetworkStream Stream => _stream;

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>A frame as a server sends it: not masked.</summary>
    public static byte[] Frame(int opcode, byte[] payload, bool fin = true)
    {
        var first = (byte)(opcode | (fin ? 0x80 : 0));
        if (payload.Length < 126) return [first, (byte)payload.Length, .. payload];
        var length = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(length, payload.Length);
        return payload.Length <= ushort.MaxValue ? [first, 126, .. length[6..], .. payload] : [first, 127, .. length, .. payload];
    }

    public static byte[] Text(string text) => Frame(1, Encoding.UTF8.GetBytes(text));

    public static byte[] Close(int code, string reason = "")
        => Frame(8, [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)]);

    /// <summary>Reads a request's header, and nothing behind it.</summary>
    public async Task<string> ReadRequestAsync()
    {
        var header = new StringBuilder();
        var one = new byte[1];
        while (!header.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await _stream.ReadExactlyAsync(one).Guarding();
            header.Append((char)one[0]);
        }
        return Request = header.ToString();
    }

    /// <summary>The values of a header field of the request, one for each line.</summary>
    public IReadOnlyList<string> Values(string name)
        => [.. Request.Split("\r\n").Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
            .Select(line => line[(name.Length + 1)..].Trim())];

    /// <summary>The answer to the request's key (RFC 6455 §4.2.2).</summary>
    public string Accept()
    {
#pragma warning disable CA5350 // SHA-1 is what RFC 6455 §4.2.2 asks for.
        return Convert.ToBase64String(SHA1.HashData(Bytes(Values("Sec-WebSocket-Key").Single() + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
    }

    /// <summary>A good answer, with more lines in its header.</summary>
    public string Answer(params string[] lines) => Answer101(
        ["Upgrade: websocket", "Connection: Upgrade", $"Sec-WebSocket-Accept: {Accept()}", .. lines]);

    public static string Answer101(params string[] lines) => $"HTTP/1.1 101 Switching Protocols\r\n{string.Concat(lines.Select(l => l + "\r\n"))}\r\n";

    public Task SendAsync(string text) => SendAsync(Bytes(text));

    public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes).Guarding();

    /// <summary>A client's next frame. Fails when it is not masked (RFC 6455 §5.1).</summary>
    public async Task<(int Opcode, bool Fin, byte[] Payload)> ReadFrameAsync()
    {
        var head = await ReadAsync(2);
        (head[1] & 0x80).ShouldBe(0x80, "a client masks");
        var length = head[1] & 0x7F;
        if (length == 126) length = BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2));
        else if (length == 127) length = (int)BinaryPrimitives.ReadInt64BigEndian(await ReadAsync(8));
        var key = await ReadAsync(4);
        var payload = await ReadAsync(length);
        for (var i = 0; i < payload.Length; i++) payload[i] ^= key[i & 3];
        return (head[0] & 0x0F, (head[0] & 0x80) != 0, payload);
    }

    /// <summary>Reads until the client closes the connection, gracefully or not.</summary>
    /// <returns>How many bytes came.</returns>
    public async Task<long> ReadToEndAsync()
    {
        var buffer = new byte[64 * 1024];
        long total = 0;
        try
        {
            while (await _stream.ReadAsync(buffer).Guarding() is var length and > 0) total += length;
        }
        catch (IOException)
        {
        }
        return total;
    }

    /// <summary>Whether the client closed the connection by now, without a reset; nothing else may have come.</summary>
    public async Task<bool> ReadEndAsync() => await _stream.ReadAsync(new byte[1]).Guarding() == 0;

    /// <summary>Whether nothing came, and the connection is open.</summary>
    public bool IsQuiet => !socket.Poll(0, SelectMode.SelectRead);

    /// <summary>Closes with a reset.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    public void ShutdownSend() => socket.Shutdown(SocketShutdown.Send);

    public void Dispose() => _stream.Dispose();

    private async Task<byte[]> ReadAsync(int length)
    {
        var bytes = new byte[length];
        await _stream.ReadExactlyAsync(bytes).Guarding();
        return bytes;
    }
}
