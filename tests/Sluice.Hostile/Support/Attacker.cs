using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Hostile.Support;

/// <summary>A TCP client that follows no rule: it sends what a test tells it to.</summary>
internal sealed class Attacker : IDisposable
{
    /// <summary>Keeps a test that went wrong from hanging; no test measures by it.</summary>
    public static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private readonly int _port;

    private Attacker(TcpClient client, int port)
    {
        _client = client;
        _stream = client.GetStream();
        _port = port;
    }

    public static async Task<Attacker> ConnectAsync(int port, int? receiveBuffer = null)
    {
        var client = new TcpClient(AddressFamily.InterNetwork) { NoDelay = true };
        if (receiveBuffer is { } size) client.ReceiveBufferSize = size;
        await client.ConnectAsync(IPAddress.Loopback, port);
        return new Attacker(client, port);
    }

    /// <summary>One that has opened a WebSocket as everybody does.</summary>
    public static async Task<Attacker> OpenAsync(int port, string path = "/ws", int? receiveBuffer = null, string more = "")
    {
        var attacker = await ConnectAsync(port, receiveBuffer);
        await attacker.SendAsync(attacker.Request(path, more));
        (await attacker.ReadHeadAsync()).Status.ShouldBe(101);
        return attacker;
    }

    public string Request(string path = "/ws", string more = "")
        => $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{_port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n";

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendAsync(byte[] bytes) => _stream.WriteAsync(bytes, 0, bytes.Length).WaitAsync(Guard);

    /// <summary>Sends for as long as the server lets it.</summary>
    /// <returns>Whether all was taken.</returns>
    public async Task<bool> TrySendAsync(byte[] bytes, bool guarded = true)
    {
        try
        {
            if (guarded) await SendAsync(bytes);
            else await _stream.WriteAsync(bytes);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Vanishes with a RST.</summary>
    public void Reset()
    {
        _client.Client.LingerState = new LingerOption(enable: true, seconds: 0);
        _client.Close();
    }

    public async Task<(int Status, string Head)> ReadHeadAsync()
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal)) head.Append((char)(await ReadAsync(1))[0]);
        return (int.Parse(head.ToString(9, 3), CultureInfo.InvariantCulture), head.ToString());
    }

    public async Task<(int First, byte[] Payload)> ReadFrameAsync()
    {
        var head = await ReadAsync(2);
        var length = head[1] switch
        {
            126 => System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2)),
            127 => System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(await ReadAsync(8)),
            var small => small,
        };
        return (head[0], await ReadAsync((int)length));
    }

    /// <summary>The close code that comes next, but for pongs.</summary>
    public async Task<int> ReadCloseAsync(bool pings = false)
    {
        while (true)
        {
            var (first, payload) = await ReadFrameAsync();
            if (first == 0x8a || (pings && first == 0x89)) continue;
            first.ShouldBe(0x88);
            return (payload[0] << 8) | payload[1];
        }
    }

    /// <summary>Everything until the end, whether closed or reset.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var text = new StringBuilder();
        var buffer = new byte[64 * 1024];
        try
        {
            while (await _stream.ReadAsync(buffer).AsTask().WaitAsync(Guard) is > 0 and var count)
            {
                if (text.Length < 1 << 20) text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            }
        }
        catch (IOException)
        {
        }
        return text.ToString();
    }

    public void Dispose() => _client.Dispose();

    private async Task<byte[]> ReadAsync(int count)
    {
        var buffer = new byte[count];
        await _stream.ReadExactlyAsync(buffer).AsTask().WaitAsync(Guard);
        return buffer;
    }
}
