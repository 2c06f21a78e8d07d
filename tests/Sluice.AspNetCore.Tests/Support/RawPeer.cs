using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Sluice.AspNetCore.Tests.Support;

/// <summary>The other end of a TCP connection, byte by byte.</summary>
internal sealed class RawPeer : IDisposable
{
    /// <summary>Keeps a test that went wrong from hanging; no test measures by it.</summary>
    public static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    private readonly TcpClient _client;
    private Stream _stream;

    private RawPeer(TcpClient client)
    {
        _client = client;
        _stream = client.GetStream();
    }

    public Socket Socket => _client.Client;

    public static async Task<RawPeer> ConnectAsync(int port, int? receiveBuffer = null)
    {
        var client = new TcpClient(AddressFamily.InterNetwork) { NoDelay = true };
        if (receiveBuffer is { } size) client.ReceiveBufferSize = size;
        await client.ConnectAsync(IPAddress.Loopback, port);
        return new RawPeer(client);
    }

    public async Task SecureAsync()
    {
        var tls = new SslStream(_stream);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = TestCertificate.IsKnown,
        }).WaitAsync(Guard);
        _stream = tls;
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendAsync(byte[] bytes) => _stream.WriteAsync(bytes, 0, bytes.Length).WaitAsync(Guard);

    /// <summary>Ends our side; the server's may go on.</summary>
    public void HalfClose() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Vanishes with a RST.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(enable: true, seconds: 0);
        Socket.Close();
    }

    public async Task<Response> ReadResponseAsync()
    {
        var response = await ReadResponseHeadAsync();
        var length = int.Parse(response["Content-Length"] ?? "0", CultureInfo.InvariantCulture);
        return length == 0 ? response : response with { Body = Encoding.UTF8.GetString(await ReadExactlyAsync(length)) };
    }

    /// <summary>The response to a HEAD, or one whose body is of no interest.</summary>
    public async Task<Response> ReadResponseHeadAsync()
    {
        var head = new StringBuilder();
        while (!EndsHead(head)) head.Append((char)(await ReadExactlyAsync(1))[0]);
        var lines = head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).Select(pair => (pair[0], pair[1])).ToArray();
        return new Response(lines[0], headers, Body: "");
    }

    public async Task<Frame> ReadFrameAsync()
    {
        var head = await ReadExactlyAsync(2);
        (head[1] & 0x80).ShouldBe(0, "a server does not mask (RFC 6455 §5.1)");
        long length = head[1] & 0x7f;
        if (length == 126) length = System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(await ReadExactlyAsync(2));
        else if (length == 127) length = System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(await ReadExactlyAsync(8));
        return new Frame(head[0], await ReadExactlyAsync((int)length));
    }

    /// <summary>Reads a close frame.</summary>
    public async Task<(int Code, string Reason)> ReadCloseAsync()
    {
        var frame = await ReadFrameAsync();
        frame.First.ShouldBe((byte)0x88, $"a close frame, not {frame}");
        if (frame.Payload.Length == 0) return (1005, "");
        return ((frame.Payload[0] << 8) | frame.Payload[1], Encoding.UTF8.GetString(frame.Payload.AsSpan(2)));
    }

    /// <summary>The server has sent all that it had and closed its side, without a reset.</summary>
    public async Task ShouldEndAsync() => (await ReadToEndAsync()).ShouldBe(0, "bytes after the end");

    /// <summary>Reads until the server closes.</summary>
    /// <returns>How many bytes came.</returns>
    public async Task<long> ReadToEndAsync()
    {
        var buffer = new byte[64 * 1024];
        long total = 0;
        while (true)
        {
            var count = await _stream.ReadAsync(buffer).AsTask().WaitAsync(Guard);
            if (count == 0) return total;
            total += count;
        }
    }

    /// <summary>Reads until the connection is gone, whether closed or reset.</summary>
    public async Task ReadToAnyEndAsync()
    {
        try
        {
            await ReadToEndAsync();
        }
        catch (IOException)
        {
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _client.Dispose();
    }

    private static bool EndsHead(StringBuilder head)
        => head.Length >= 4 && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n';

    private async Task<byte[]> ReadExactlyAsync(int count)
    {
        var buffer = new byte[count];
        await _stream.ReadExactlyAsync(buffer).AsTask().WaitAsync(Guard);
        return buffer;
    }

    internal sealed record Response(string StatusLine, (string Name, string Value)[] Headers, string Body)
    {
        public int Status => int.Parse(StatusLine.AsSpan(9, 3), CultureInfo.InvariantCulture);

        public string? this[string name] => Headers.Where(header => header.Name == name).Select(header => header.Value).SingleOrDefault();
    }

    internal sealed record Frame(byte First, byte[] Payload)
    {
        public string Text => Encoding.UTF8.GetString(Payload);
    }
}
