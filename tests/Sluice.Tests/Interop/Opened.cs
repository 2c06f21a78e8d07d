using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Interop;

/// <summary>Whose <see cref="WebSocket"/> it is.</summary>
public enum Maker
{
    /// <summary><see cref="WebSocket.CreateFromStream(Stream, WebSocketCreationOptions)"/>.</summary>
    Bcl,

    /// <summary><see cref="WebSocketConnection.AsWebSocket"/>.</summary>
    Sluice,
}

/// <summary>A <see cref="WebSocket"/> on one end of a TCP connection, and the bare bytes at the other.</summary>
internal sealed class Opened : IAsyncDisposable
{
    public static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    private readonly Stream _peer;
    private readonly Socket _peerSocket;
    private readonly WebSocketConnection? _connection;
    private readonly Role _role;

    private Opened(Maker maker, Role role, Socket own, Socket peer, string? subprotocol, bool compressed)
    {
        _role = role;
        _peerSocket = peer;
        _peer = new NetworkStream(peer, ownsSocket: true);
        var stream = new NetworkStream(own, ownsSocket: true);
        if (maker == Maker.Bcl)
        {
            Socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions
            {
                IsServer = role == Role.Server,
                SubProtocol = subprotocol,
                DangerousDeflateOptions = compressed ? new WebSocketDeflateOptions() : null,
            });
            return;
        }
        var agreement = compressed ? new DeflateAgreement { Options = new() { Threshold = 0 } } : null;
        _connection = new WebSocketConnection(
            new StreamTransport(stream), role, subprotocol: subprotocol, abortTransport: stream.Dispose, compression: agreement);
        _ = _connection.Released.ContinueWith(_ => stream.Dispose(), TaskScheduler.Default);
        Socket = _connection.AsWebSocket();
    }

    public WebSocket Socket { get; }

    private bool Masked => _role == Role.Server;

    public static async Task<Opened> CreateAsync(Maker maker, Role role, string? subprotocol = null, bool compressed = false)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var peer = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var accepting = listener.AcceptSocketAsync();
        await peer.ConnectAsync(listener.LocalEndpoint);
        var own = await accepting;
        own.NoDelay = true;
        return new Opened(maker, role, own, peer, subprotocol, compressed);
    }

    public Task SendTextAsync(string text, int first = 0x81) => SendAsync(Wire.Text(text, Masked, first));

    public Task SendFrameAsync(int first, byte[] payload) => SendAsync(Wire.Frame(first, payload, Masked));

    public Task SendCloseAsync(int code, string reason = "") => SendAsync(Wire.Close(code, reason, Masked));

    public Task SendAsync(byte[] bytes) => _peer.WriteAsync(bytes, 0, bytes.Length).WaitAsync(Guard);

    /// <summary>The peer is gone: with a FIN, or a RST.</summary>
    public void Vanish(bool reset)
    {
        if (reset) _peerSocket.LingerState = new LingerOption(enable: true, seconds: 0);
        _peer.Dispose();
    }

    /// <summary>The next frame must be this one.</summary>
    public async Task ExpectAsync(int first, byte[] payload)
    {
        var frame = await ReadFrameAsync();
        frame.First.ShouldBe(first);
        frame.Payload.ShouldBe(payload);
    }

    public Task ExpectTextAsync(string text, int first = 0x81) => ExpectAsync(first, System.Text.Encoding.UTF8.GetBytes(text));

    public Task ExpectCloseAsync(int code, string reason = "")
        => ExpectAsync(0x88, [(byte)(code >> 8), (byte)code, .. System.Text.Encoding.UTF8.GetBytes(reason)]);

    public async Task ExpectCloseCodeAsync(int code)
    {
        var frame = await ReadFrameAsync();
        frame.First.ShouldBe(0x88);
        ((frame.Payload[0] << 8) | frame.Payload[1]).ShouldBe(code);
    }

    /// <summary>No frame comes any more: the transport is closed, or reset.</summary>
    public async Task ExpectEndAsync()
    {
        try
        {
            (await _peer.ReadAsync(new byte[1]).AsTask().WaitAsync(Guard)).ShouldBe(0);
        }
        catch (IOException)
        {
        }
    }

    public async Task<(int First, byte[] Payload)> ReadFrameAsync()
    {
        var head = await ReadAsync(2);
        long length = head[1] & 0x7f;
        if (length >= 126) head = [.. head, .. await ReadAsync(length == 126 ? 2 : 8)];
        if (_role == Role.Client) head = [.. head, .. await ReadAsync(4)];
        FrameHeader.TryParse(head, out var header, out _).ShouldBeTrue();
        header.Masked.ShouldBe(_role == Role.Client);
        var payload = await ReadAsync((int)header.PayloadLength);
        Masking.Apply(payload, header.MaskingKey, 0);
        return (head[0], payload);
    }

    public async ValueTask DisposeAsync()
    {
        Socket.Abort();
        Socket.Dispose();
        await _peer.DisposeAsync();
        if (_connection is not null) await _connection.Released.WaitAsync(Guard);
    }

    private async Task<byte[]> ReadAsync(int count)
    {
        var buffer = new byte[count];
        await _peer.ReadExactlyAsync(buffer).AsTask().WaitAsync(Guard);
        return buffer;
    }
}
