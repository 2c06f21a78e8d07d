using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Sluice.Transport.Epoll.Tests.Support;

/// <summary>A listener, one connection that it accepted, and the socket at the other end.</summary>
internal sealed class Link : IAsyncDisposable
{
    private readonly IConnectionListenerFactory _factory;

    private Link(IConnectionListenerFactory factory, IConnectionListener listener, ConnectionContext connection, Socket peer)
    {
        _factory = factory;
        Listener = listener;
        Connection = connection;
        Peer = peer;
    }

    public IConnectionListener Listener { get; }

    public ConnectionContext Connection { get; }

    public Socket Peer { get; }

    public PipeReader Input => Connection.Transport.Input;

    public PipeWriter Output => Connection.Transport.Output;

    public static async Task<Link> OpenAsync(Kind kind, Action<EpollTransportOptions>? configure = null, int? peerReceiveBuffer = null)
    {
        var factory = Transports.Create(kind, configure);
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var (connection, peer) = await ConnectAsync(listener, peerReceiveBuffer);
        return new Link(factory, listener, connection, peer);
    }

    public static async Task<(ConnectionContext Connection, Socket Peer)> ConnectAsync(IConnectionListener listener, int? receiveBuffer = null)
    {
        var peer = new Socket(listener.EndPoint.AddressFamily, SocketType.Stream, listener.EndPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        if (receiveBuffer is { } size) peer.ReceiveBufferSize = size;
        var accept = listener.AcceptAsync();
        await peer.ConnectAsync(listener.EndPoint);
        return ((await accept.Guarded())!, peer);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await Peer.SendAsync(bytes).Guarded()..];
    }

    /// <summary>Reads so many bytes at the peer.</summary>
    public async Task<byte[]> ReceiveAsync(int count)
    {
        var bytes = new byte[count];
        for (var at = 0; at < count;)
        {
            var read = await Peer.ReceiveAsync(bytes.AsMemory(at)).Guarded();
            if (read == 0) throw new EndOfStreamException($"ended after {at} of {count} bytes");
            at += read;
        }
        return bytes;
    }

    /// <summary>Reads at the peer until the end.</summary>
    /// <returns>How many bytes came.</returns>
    public async Task<long> ReceiveToEndAsync()
    {
        var buffer = new byte[64 * 1024];
        long total = 0;
        while (await Peer.ReceiveAsync(buffer).Guarded() is var read and > 0) total += read;
        return total;
    }

    public void ResetByPeer()
    {
        Peer.LingerState = new LingerOption(enable: true, seconds: 0);
        Peer.Close();
    }

    public async ValueTask DisposeAsync()
    {
        Peer.Dispose();
        Connection.Abort();
        await Connection.DisposeAsync().Guarded();
        await Listener.DisposeAsync().Guarded();
        (_factory as IDisposable)?.Dispose();
    }
}
