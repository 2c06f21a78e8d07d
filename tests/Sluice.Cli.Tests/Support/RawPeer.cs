using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Sluice.Cli.Tests.Support;

/// <summary>The other side of a connection, byte by byte, in either role: it does only what a test tells it to.</summary>
internal sealed class RawPeer : IDisposable
{
    public const int Text = 0x1;
    public const int Binary = 0x2;
    public const int Close = 0x8;
    public const int Ping = 0x9;
    public const int Pong = 0xA;

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly bool _isClient;

    public RawPeer(Socket socket, bool isClient)
    {
        _socket = socket;
        _isClient = isClient;
        _socket.NoDelay = true;
        _stream = new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>Opens a WebSocket as a client.</summary>
    public static async Task<RawPeer> ConnectAsync(Uri server, string path, params string[] headers)
    {
        var peer = await DialAsync(server);
        var head = await peer.RequestAsync(server, path, headers);
        head.ShouldStartWith("HTTP/1.1 101 ");
        return peer;
    }

    /// <summary>Connects, and sends nothing.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="from">The address to come from.</param>
    public static async Task<RawPeer> DialAsync(Uri server, IPAddress? from = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (from is not null) socket.Bind(new IPEndPoint(from, 0));
        await socket.ConnectAsync(IPAddress.Parse(server.Host), server.Port, Guard.Token());
        return new RawPeer(socket, isClient: true);
    }

    /// <summary>Asks for a WebSocket, and returns the head of the answer.</summary>
    public async Task<string> RequestAsync(Uri server, string path, params string[] headers)
    {
        string[] lines =
        [
            $"GET {path} HTTP/1.1", $"Host: {server.Authority}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", .. headers, "\r\n",
        ];
        await WriteAsync(string.Join("\r\n", lines));
        return await ReadHeadAsync();
    }

    /// <summary>Reads a client's opening handshake, and accepts it.</summary>
    /// <returns>The head of the request.</returns>
    public async Task<string> AcceptAsync(params string[] headers)
    {
        var head = await ReadHeadAsync();
        const string Field = "Sec-WebSocket-Key: ";
        var key = head.Split("\r\n").Single(line => line.StartsWith(Field, StringComparison.OrdinalIgnoreCase))[Field.Length..];
#pragma warning disable CA5350 // RFC 6455 §4.2.2 wants SHA-1
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        string[] lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", $"Sec-WebSocket-Accept: {accept}", .. headers, "\r\n"];
        await WriteAsync(string.Join("\r\n", lines));
        return head;
    }

    public async Task WriteAsync(string bytes) => await _stream.WriteAsync(Encoding.Latin1.GetBytes(bytes), Guard.Token());

    /// <summary>The lines up to an empty one.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        var next = new byte[1];
        while (!(head.Length >= 4 && head.ToString(head.Length - 4, 4) == "\r\n\r\n"))
        {
            if (await _stream.ReadAsync(next, Guard.Token()) == 0) throw new EndOfStreamException($"the connection ended in the head: {head}");
            head.Append((char)next[0]);
        }
        return head.ToString();
    }

    public Task SendAsync(int opcode, string payload) => SendAsync(opcode, Encoding.UTF8.GetBytes(payload));

    /// <summary>Sends one whole frame.</summary>
    public async Task SendAsync(int opcode, byte[] payload)
    {
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)payload.Length],
            <= ushort.MaxValue => [126, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [127, 0, 0, 0, 0, (byte)(payload.Length >> 24), (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length],
        };
        if (_isClient) length[0] |= 0x80;
        byte[] key = _isClient ? [0x37, 0xFA, 0x21, 0x3D] : [];
        byte[] frame = [(byte)(0x80 | opcode), .. length, .. key, .. payload];
        if (_isClient) Mask(frame.AsSpan(frame.Length - payload.Length), key);
        await _stream.WriteAsync(frame, Guard.Token());
    }

    /// <summary>Sends a close frame, without a code for 1005.</summary>
    public Task SendCloseAsync(int code, string reason = "")
        => SendAsync(Close, code == 1005 ? [] : [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)]);

    /// <summary>The next frame; <see langword="null"/> when the connection ends instead, in whichever way.</summary>
    public async Task<RawFrame?> ReadFrameAsync()
    {
        try
        {
            var head = await ReadAsync(2);
            long length = head[1] & 0x7F;
            if (length == 126) length = BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2));
            else if (length == 127) length = BinaryPrimitives.ReadInt64BigEndian(await ReadAsync(8));
            var isMasked = (head[1] & 0x80) != 0;
            isMasked.ShouldBe(!_isClient, "RFC 6455 §5.1: a client masks, a server does not");
            var key = isMasked ? await ReadAsync(4) : [];
            var payload = await ReadAsync((int)length);
            if (isMasked) Mask(payload, key);
            return new RawFrame((head[0] & 0x80) != 0, head[0] & 0x0F, payload);
        }
        catch (Exception e) when (e is EndOfStreamException or IOException)
        {
            return null;
        }
    }

    /// <summary>The code of the close frame that comes next.</summary>
    public async Task<int> ReadCloseAsync()
    {
        var frame = (await ReadFrameAsync()).ShouldNotBeNull("the connection ended without a close frame");
        frame.Opcode.ShouldBe(Close);
        return frame.CloseCode;
    }

    /// <summary>Reads up to the close frame, then closes the connection, as a server does.</summary>
    public async Task ReadToCloseAsync()
    {
        while (await ReadFrameAsync() is { } frame && frame.Opcode != Close)
        {
        }
        Dispose();
    }

    /// <summary>Reads until the connection ends.</summary>
    public async Task ReadToEndAsync()
    {
        while (await ReadFrameAsync() is not null)
        {
        }
    }

    /// <summary>Vanishes with a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        Dispose();
    }

    public void Dispose() => _stream.Dispose();

    private static void Mask(Span<byte> payload, byte[] key)
    {
        for (var i = 0; i < payload.Length; i++) payload[i] ^= key[i & 3];
    }

    private async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes, Guard.Token());
        return bytes;
    }
}

/// <summary>A frame as it came, unmasked.</summary>
internal sealed record RawFrame(bool IsFinal, int Opcode, byte[] Payload)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>Of a close frame; 1005 when it has none.</summary>
    public int CloseCode => Payload.Length < 2 ? 1005 : BinaryPrimitives.ReadUInt16BigEndian(Payload);
}
