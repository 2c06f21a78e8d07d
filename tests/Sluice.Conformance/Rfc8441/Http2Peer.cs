using System.Buffers.Binary;
using System.Text;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc8441;

/// <summary>
/// A client's end of an HTTP/2 connection, frame by frame (RFC 9113 §4 and §6), so that it can send what no client would.
/// Fields go out as literals (RFC 7541 §6.2.2); the server is told to keep no dynamic table.
/// </summary>
internal sealed class Http2Peer : IDisposable
{
    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    private readonly Peer _peer;
    private readonly MemoryStream _data = new();
    private readonly HashSet<int> _ended = [];

    private Http2Peer(Peer peer) => _peer = peer;

    /// <summary>The settings that the server's first frame has.</summary>
    public IReadOnlyDictionary<int, uint> Settings { get; private set; } = new Dictionary<int, uint>();

    public static async Task<Http2Peer> ConnectAsync()
    {
        var peer = new Http2Peer(await EchoServer.DialAsync(EchoServer.Http2Port));
        // SETTINGS_HEADER_TABLE_SIZE 0, SETTINGS_INITIAL_WINDOW_SIZE 16 MiB; then as much for the connection.
        byte[] settings = [0, 1, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0];
        await peer._peer.SendAsync((byte[])[.. Preface, .. Frame(4, 0, 0, settings), .. Frame(8, 0, 0, [1, 0, 0, 0])]);
        var first = await peer.ReadRawAsync();
        first.Type.ShouldBe(4, "the server begins with SETTINGS (RFC 9113 §3.4)");
        peer.Settings = first.Payload.Chunk(6).ToDictionary(
            entry => (int)BinaryPrimitives.ReadUInt16BigEndian(entry), entry => BinaryPrimitives.ReadUInt32BigEndian(entry.AsSpan(2)));
        await peer._peer.SendAsync(Frame(4, 1, 0, []));
        return peer;
    }

    /// <summary>Opens a stream with these fields.</summary>
    public Task SendHeadersAsync(int stream, bool endStream, params (string Name, string Value)[] fields)
        => _peer.SendAsync(Frame(1, endStream ? 5 : 4, stream, [.. fields.SelectMany(Literal)]));

    public Task SendDataAsync(int stream, byte[] bytes, bool endStream = false) => _peer.SendAsync(Frame(0, endStream ? 1 : 0, stream, bytes));

    /// <summary>Sends a client's WebSocket frames.</summary>
    public Task SendAsync(int stream, params Wire.Frame[] frames) => SendDataAsync(stream, _peer.Bytes(frames));

    public Task ResetAsync(int stream, int error) => _peer.SendAsync(Frame(3, 0, stream, [0, 0, 0, (byte)error]));

    /// <summary>The next frame on a stream: HEADERS, DATA or RST_STREAM. GOAWAY ends the wait, too.</summary>
    public async Task<Http2Frame> ReadAsync(int stream)
    {
        while (true)
        {
            var frame = await ReadRawAsync();
            if (frame is { Type: 4, Flags: 0 }) await _peer.SendAsync(Frame(4, 1, 0, []));
            if (frame.Type == 7 || (frame.Stream == stream && frame.Type is 0 or 1 or 3)) return frame;
        }
    }

    /// <summary>The response to an accepted CONNECT: 200, and the stream stays open.</summary>
    public async Task<Http2Frame> ReadAcceptAsync(int stream)
    {
        var headers = await ReadAsync(stream);
        headers.Type.ShouldBe(1, headers.ToString());
        headers.Field(":status").ShouldBe("200");
        headers.EndsStream.ShouldBeFalse();
        return headers;
    }

    /// <summary>The next WebSocket frame, however it is cut into DATA.</summary>
    public async Task<Received> ReadFrameAsync(int stream)
    {
        while (true)
        {
            if (TryTakeFrame() is { } frame) return frame;
            var data = await ReadAsync(stream);
            data.Type.ShouldBe(0, data.ToString());
            if (data.EndsStream) _ended.Add(stream);
            _data.Write(data.Payload);
            if (TryTakeFrame() is { } last) return last;
            data.EndsStream.ShouldBeFalse("a frame is due");
        }
    }

    /// <summary>Nothing more comes on the stream but its end.</summary>
    public async Task ShouldEndAsync(int stream)
    {
        _data.Length.ShouldBe(0);
        if (_ended.Contains(stream)) return;
        var end = await ReadAsync(stream);
        end.Type.ShouldBe(0, end.ToString());
        end.EndsStream.ShouldBeTrue();
        end.Payload.ShouldBeEmpty();
    }

    public void Dispose() => _peer.Dispose();

    private Received? TryTakeFrame()
    {
        var bytes = _data.GetBuffer().AsSpan(0, (int)_data.Length);
        if (bytes.Length < 2) return null;
        (bytes[1] & 0x80).ShouldBe(0, "a server does not mask");
        var head = (bytes[1] & 0x7f) switch { 126 => 4, 127 => 10, _ => 2 };
        if (bytes.Length < head) return null;
        var length = head switch { 4 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), 10 => (int)BinaryPrimitives.ReadInt64BigEndian(bytes[2..]), _ => bytes[1] };
        if (bytes.Length < head + length) return null;
        var frame = new Received(bytes[0], bytes.Slice(head, length).ToArray(), null);
        var rest = bytes[(head + length)..].ToArray();
        _data.SetLength(0);
        _data.Write(rest);
        return frame;
    }

    private async Task<Http2Frame> ReadRawAsync()
    {
        var head = await _peer.ReadAsync(9);
        var length = (head[0] << 16) | (head[1] << 8) | head[2];
        return new Http2Frame(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), await _peer.ReadAsync(length));
    }

    private static byte[] Frame(int type, int flags, int stream, byte[] payload)
    {
        var head = new byte[9];
        BinaryPrimitives.WriteInt32BigEndian(head, payload.Length << 8);
        head[3] = (byte)type;
        head[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(5), stream);
        return [.. head, .. payload];
    }

    private static byte[] Literal((string Name, string Value) field)
        => [0, (byte)field.Name.Length, .. Encoding.ASCII.GetBytes(field.Name), (byte)field.Value.Length, .. Encoding.ASCII.GetBytes(field.Value)];
}
