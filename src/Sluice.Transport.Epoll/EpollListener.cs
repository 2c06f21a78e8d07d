using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Sluice.Transport.Epoll;

/// <summary>
/// A listening socket, in one loop. Connections are accepted by whoever awaits them, and go to the loop with the fewest. There is
/// one queue of the kernel for all loops, not one for each (SO_REUSEPORT): none of its connections is lost when a listener
/// closes, loads stay even, and a port that another process has is an error, as it should be.
/// </summary>
internal sealed class EpollListener : IConnectionListener, IEventTarget, ICallback, IThreadPoolWorkItem, IDisposable
{
    // So many connections are accepted on the loop's thread before it goes on to its others.
    private const int MaxInRow = 64;

    // The kernel tells of new connections, not of descriptors that have become free.
    private static readonly TimeSpan ExhaustionPause = TimeSpan.FromMilliseconds(100);

    private readonly EpollTransport _transport;
    private readonly Socket _socket;
    private readonly EventLoop _loop;
    private readonly ulong _token;
    private readonly int _descriptor;
    private readonly EndPoint? _commonLocal;
    private readonly Lock _gate = new();
    private readonly Queue<EpollConnection> _drained = new();
    private readonly ITimer _retry;
    private TaskCompletionSource? _news;
    private int _inRow;
    private bool _closed;
    private bool _exhausted;

    public EpollListener(EpollTransport transport, Socket socket)
    {
        _transport = transport;
        _socket = socket;
        _socket.Blocking = false;
        _descriptor = (int)socket.SafeHandle.DangerousGetHandle();
        EndPoint = socket.LocalEndPoint!;
        _commonLocal = EndPoint is IPEndPoint ip && (ip.Address.Equals(IPAddress.Any) || ip.Address.Equals(IPAddress.IPv6Any)) ? null : EndPoint;
        // It fires once for nothing, now: the first timer of a process starts a thread, which takes a descriptor.
        _retry = transport.Time.CreateTimer(static listener => ((EpollListener)listener!).Tell(), this, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        _loop = transport.Choose();
        _token = _loop.Watch(_descriptor, this);
    }

    private enum Accepting
    {
        One,
        Again,
        Nothing,
        Exhausted,
    }

    public EndPoint EndPoint { get; }

    public uint Generation { get; set; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task wait;
            if (++_inRow >= MaxInRow)
            {
                _inRow = 0;
                await Task.Yield();
            }
            lock (_gate)
            {
                if (_drained.TryDequeue(out var early)) return early;
                if (_closed) return null;
                var outcome = TryAccept(out var connection);
                if (outcome == Accepting.One) return connection;
                if (outcome == Accepting.Again) continue;
                _inRow = 0;
                wait = (_news ??= new TaskCompletionSource()).Task;
                if (outcome == Accepting.Exhausted) _retry.Change(ExhaustionPause, Timeout.InfiniteTimeSpan);
            }
            await wait.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public bool OnEvent(uint flags, Turn turn)
    {
        if (_loop.Trust.Allows(_transport.Options.Scheduling)) return turn.Call(this);
        Dispatch();
        return true;
    }

    void ICallback.Run() => Tell();

    void IThreadPoolWorkItem.Execute() => Tell();

    /// <summary>Closes the listening socket. Connections that the kernel has established are still handed out.</summary>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_closed) return default;
            _closed = true;
            while (_drained.Count < _transport.Options.Backlog)
            {
                var outcome = TryAccept(out var connection);
                if (outcome == Accepting.One) _drained.Enqueue(connection!);
                else if (outcome != Accepting.Again) break;
            }
            _loop.Forget(_token);
            _socket.Dispose();
        }
        Dispatch();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        while (true)
        {
            EpollConnection? connection;
            lock (_gate) if (!_drained.TryDequeue(out connection)) break;
            connection.Abort(new ConnectionAbortedException("The listener was disposed before the connection was accepted."));
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        await _retry.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The transport ends with the listener still bound.</summary>
    public void Dispose() => _ = UnbindAsync();

    private void Dispatch() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    /// <summary>Whoever waits for a connection goes on, on this stack.</summary>
    private void Tell()
    {
        TaskCompletionSource? news;
        lock (_gate)
        {
            news = _news;
            _news = null;
        }
        news?.TrySetResult();
    }

    private unsafe Accepting TryAccept(out EpollConnection? connection)
    {
        connection = null;
        var address = stackalloc byte[PeerAddress.MaxLength];
        var length = PeerAddress.MaxLength;
        var descriptor = Libc.Accept(_descriptor, address, &length, Libc.SocketNonBlocking | Libc.CloseOnExec);
        if (descriptor < 0) return Judge(-descriptor);
        try
        {
            var remote = PeerAddress.Read(new ReadOnlySpan<byte>(address, Math.Min(length, PeerAddress.MaxLength)));
            var local = _commonLocal ?? PeerAddress.LocalOf(descriptor);
            connection = new EpollConnection(_transport, _transport.Choose(), descriptor, local, remote);
            _exhausted = false;
            return Accepting.One;
        }
        catch (SocketException e)
        {
            _ = Libc.Close(descriptor);
            Complain(e.Message);
            return Accepting.Exhausted;
        }
    }

    // What else accept fails with concerns the one connection, which is gone (accept(2): treat like EAGAIN by retrying).
    private Accepting Judge(int error)
    {
        if (error == Errno.Again) return Accepting.Nothing;
        if (!Errno.IsExhaustion(error)) return Accepting.Again;
        Complain(Errno.ToException(error).Message);
        return Accepting.Exhausted;
    }

    private void Complain(string reason)
    {
        if (!_exhausted) Log.Exhausted(_transport.Logger, EndPoint, reason);
        _exhausted = true;
    }
}
