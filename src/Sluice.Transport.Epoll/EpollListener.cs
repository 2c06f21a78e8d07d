using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Sluice.Transport.Epoll;

/// <summary>
/// An endpoint: a listening socket in each loop. Connections are accepted by whoever awaits them, and stay with the loop whose
/// queue they came by, unless others have clearly less to do. Kestrel awaits one after the other.
/// </summary>
internal sealed class EpollListener : IConnectionListener
{
    // So many connections are accepted on the loop's thread before it goes on to its others.
    private const int MaxInRow = 64;

    // The kernel tells of new connections, not of descriptors that have become free.
    private static readonly TimeSpan ExhaustionPause = TimeSpan.FromMilliseconds(100);

    private readonly EpollTransport _transport;
    private readonly ListeningSocket[] _sockets;
    private readonly Lock _gate = new();
    private readonly Queue<EpollConnection> _drained = new();
    private readonly ITimer _retry;
    private TaskCompletionSource? _news;
    private int _next; // the queue to ask first
    private int _inRow;
    private bool _closed;
    private bool _exhausted;

    /// <param name="transport">The loops.</param>
    /// <param name="sockets">Listening, on one endpoint; no more than there are loops. Owned by the listener, once it is made.</param>
    public EpollListener(EpollTransport transport, IReadOnlyList<Socket> sockets)
    {
        _transport = transport;
        EndPoint = sockets[0].LocalEndPoint!;
        // It fires once for nothing, now: the first timer of a process starts a thread, which takes a descriptor.
        _retry = transport.Time.CreateTimer(static listener => ((EpollListener)listener!).Tell(about: null), this, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        var loops = transport.LeastLoaded(sockets.Count);
        lock (_gate) _sockets = [.. sockets.Select((socket, i) => new ListeningSocket(transport, this, loops[i], socket))];
    }

    public EndPoint EndPoint { get; }

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
                if (outcome == ListeningSocket.Outcome.Accepted) return connection;
                if (outcome == ListeningSocket.Outcome.Again) continue;
                _inRow = 0;
                wait = (_news ??= new TaskCompletionSource()).Task;
                if (outcome == ListeningSocket.Outcome.Exhausted) _retry.Change(ExhaustionPause, Timeout.InfiniteTimeSpan);
            }
            await wait.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Closes the listening sockets. Connections that the kernel has established are still handed out.</summary>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_closed) return default;
            _closed = true;
            foreach (var socket in _sockets) socket.HasNews = true; // there may be some that it has not been told of yet
            while (_drained.Count < _transport.Options.Backlog * _sockets.Length)
            {
                var outcome = TryAccept(out var connection);
                if (outcome == ListeningSocket.Outcome.Accepted) _drained.Enqueue(connection!);
                else if (outcome != ListeningSocket.Outcome.Again) break;
            }
            foreach (var socket in _sockets) socket.Close();
        }
        ThreadPool.UnsafeQueueUserWorkItem(static listener => listener.Tell(about: null), this, preferLocal: false);
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

    /// <summary>Whoever waits for a connection goes on, on this stack.</summary>
    /// <param name="about">Where the kernel has one; <see langword="null"/> to look again at what is known.</param>
    public void Tell(ListeningSocket? about)
    {
        TaskCompletionSource? news;
        lock (_gate)
        {
            if (about is not null) about.HasNews = true;
            news = _news;
            _news = null;
        }
        news?.TrySetResult();
    }

    // With the gate held. The queues by turns, so that a full one does not keep the others waiting.
    private ListeningSocket.Outcome TryAccept(out EpollConnection? connection)
    {
        for (var i = 0; i < _sockets.Length; i++)
        {
            var socket = _sockets[_next];
            _next = (_next + 1) % _sockets.Length;
            if (!socket.HasNews) continue;
            var outcome = socket.TryAccept(out connection, out var problem);
            if (outcome == ListeningSocket.Outcome.Nothing)
            {
                socket.HasNews = false;
                continue;
            }
            if (problem is not null && !_exhausted) Log.Exhausted(_transport.Logger, EndPoint, problem);
            _exhausted = problem is not null || (_exhausted && connection is null);
            return outcome;
        }
        connection = null;
        return ListeningSocket.Outcome.Nothing;
    }
}
