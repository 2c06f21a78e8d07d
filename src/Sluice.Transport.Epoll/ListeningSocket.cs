using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Sluice.Transport.Epoll;

/// <summary>One loop's share of an endpoint: a listening socket with a queue of its own, among which the kernel spreads the
/// connections. Its owner calls it from one thread at a time.</summary>
internal sealed class ListeningSocket : IEventTarget, ICallback, IThreadPoolWorkItem, IDisposable
{
    private readonly EpollTransport _transport;
    private readonly EpollListener _owner;
    private readonly EventLoop _loop;
    private readonly Socket _socket;
    private readonly int _descriptor;
    private readonly EndPoint? _commonLocal;
    private readonly ulong _token;

    public ListeningSocket(EpollTransport transport, EpollListener owner, EventLoop loop, Socket socket)
    {
        _transport = transport;
        _owner = owner;
        _loop = loop;
        _socket = socket;
        _socket.Blocking = false;
        _descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        var local = socket.LocalEndPoint!;
        _commonLocal = local is IPEndPoint ip && (ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any)) ? null : local;
        _token = loop.Watch(_descriptor, this);
    }

    public enum Outcome
    {
        Accepted,
        Again,
        Nothing,
        Exhausted,
    }

    public uint Generation { get; set; }

    /// <summary>Whether a connection may wait. The owner's: set when the kernel tells of one, taken back when there is none.</summary>
    public bool HasNews { get; set; } = true;

    public bool OnEvent(uint flags, Turn turn)
    {
        if (_loop.Trust.Allows(_transport.Options.Scheduling)) return turn.Call(this);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    void ICallback.Run() => _owner.Tell(this);

    void IThreadPoolWorkItem.Execute() => _owner.Tell(this);

    /// <param name="connection">The connection, when there is one.</param>
    /// <param name="problem">What is used up, when nothing can be accepted for that.</param>
    public unsafe Outcome TryAccept(out EpollConnection? connection, out string? problem)
    {
        connection = null;
        problem = null;
        var address = stackalloc byte[PeerAddress.MaxLength];
        var length = PeerAddress.MaxLength;
        var descriptor = Libc.Accept(_descriptor, address, &length, Libc.SocketNonBlocking | Libc.CloseOnExec);
        if (descriptor < 0) return Judge(-descriptor, out problem);
        try
        {
            var remote = PeerAddress.Read(new ReadOnlySpan<byte>(address, Math.Min(length, PeerAddress.MaxLength)));
            var local = _commonLocal ?? PeerAddress.LocalOf(descriptor);
            connection = new EpollConnection(_transport, _transport.Choose(_loop), descriptor, local, remote);
            return Outcome.Accepted;
        }
        catch (SocketException e)
        {
            _ = Libc.Close(descriptor);
            problem = e.Message;
            return Outcome.Exhausted;
        }
    }

    /// <summary>What the kernel has established, and nobody has accepted, is reset.</summary>
    public void Close()
    {
        _loop.Forget(_token);
        _socket.Dispose();
    }

    /// <summary>The transport ends with the listener still bound.</summary>
    public void Dispose() => _ = _owner.UnbindAsync();

    // What else accept fails with concerns the one connection, which is gone (accept(2): treat like EAGAIN by retrying).
    private static Outcome Judge(int error, out string? problem)
    {
        problem = null;
        if (error == Errno.Again) return Outcome.Nothing;
        if (!Errno.IsExhaustion(error)) return Outcome.Again;
        problem = Errno.ToException(error).Message;
        return Outcome.Exhausted;
    }
}
