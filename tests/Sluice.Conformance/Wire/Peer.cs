using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Conformance.Wire;

/// <summary>
/// The other end of a connection under test: it sends the bytes it is told to, and holds every byte that comes to RFC 6455.
/// A reset anywhere is an exception, and so a failed test.
/// </summary>
internal sealed class Peer(Socket socket, Side side) : IDisposable
{
    private const ulong MaxPayload = 64 * 1024 * 1024;
    private const int MaxHead = 64 * 1024;

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    public Side Side => side;

    public Socket Socket => socket;

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes).Guarded()..];
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendAsync(params Frame[] frames) => SendAsync(Bytes(frames));

    public byte[] Bytes(params IEnumerable<Frame> frames)
    {
        var bytes = new MemoryStream();
        foreach (var frame in frames) bytes.Write(frame.ToBytes(side));
        return bytes.ToArray();
    }

    /// <summary>Ends our direction; the other may go on.</summary>
    public void HalfClose() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>Vanishes with a reset.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(enable: true, seconds: 0);
        socket.Close();
    }

    public async Task<Received> ReadFrameAsync()
    {
        var head = await ReadAsync(2);
        var masked = (head[1] & 0x80) != 0;
        masked.ShouldBe(side == Side.Server, "a client masks every frame, a server none (RFC 6455 §5.1)");
        var length = (ulong)(head[1] & 0x7f);
        if (length == 126)
        {
            length = BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2));
            length.ShouldBeGreaterThan(125ul, "the shortest form of the length (RFC 6455 §5.2)");
        }
        else if (length == 127)
        {
            length = BinaryPrimitives.ReadUInt64BigEndian(await ReadAsync(8));
            length.ShouldBeGreaterThan(0xfffful, "the shortest form of the length (RFC 6455 §5.2)");
        }
        if ((head[0] & 8) != 0)
        {
            length.ShouldBeLessThan(126ul, "a control frame has at most 125 bytes (RFC 6455 §5.5)");
            (head[0] & 0x80).ShouldBe(0x80, "a control frame is not fragmented (RFC 6455 §5.5)");
        }
        length.ShouldBeLessThanOrEqualTo(MaxPayload, "no case has so long a frame");
        var key = masked ? await ReadAsync(4) : null;
        var payload = await ReadAsync((int)length);
        for (var i = 0; masked && i < payload.Length; i++) payload[i] ^= key![i & 3];
        return new Received(head[0], payload, key);
    }

    /// <summary>The next frame is this one.</summary>
    public async Task ShouldReadAsync(Frame expected) => (await ReadFrameAsync()).ShouldBe(expected);

    /// <summary>The next frame is a close frame with this code.</summary>
    public async Task<Received> ReadCloseAsync(int code)
    {
        var frame = await ReadFrameAsync();
        frame.First.ShouldBe((byte)0x88, $"a close frame is due, not {frame}");
        frame.Payload.Length.ShouldNotBe(1);
        frame.Code.ShouldBe(code, frame.ToString());
        frame.Reason.ShouldNotBeNull(); // and it is UTF-8
        return frame;
    }

    /// <summary>Nothing more comes but an orderly end.</summary>
    public async Task ShouldEndAsync()
    {
        _end.ShouldBe(_start, "bytes behind the last frame");
        (await socket.ReceiveAsync(_buffer.AsMemory()).Guarded()).ShouldBe(0, "bytes behind the last frame");
    }

    /// <summary>Reads an HTTP head up to its empty line, and nothing behind it.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        while (!EndsHead(head))
        {
            head.Length.ShouldBeLessThan(MaxHead, "a head has an end");
            head.Append((char)(await ReadAsync(1))[0]);
        }
        return head.ToString();
    }

    public async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        var done = 0;
        while (done < count)
        {
            if (_start == _end && !await FillAsync()) throw new EndOfStreamException($"the connection ended after {done} of {count} bytes");
            var part = Math.Min(count - done, _end - _start);
            _buffer.AsSpan(_start, part).CopyTo(bytes.AsSpan(done));
            _start += part;
            done += part;
        }
        return bytes;
    }

    public void Dispose() => socket.Dispose();

    private static bool EndsHead(StringBuilder head)
        => head.Length >= 4 && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n';

    private async Task<bool> FillAsync()
    {
        _start = 0;
        _end = await socket.ReceiveAsync(_buffer.AsMemory()).Guarded();
        return _end > 0;
    }
}
