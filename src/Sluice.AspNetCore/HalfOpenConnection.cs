using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Sluice.AspNetCore;

/// <summary>
/// A connection that HTTP is not told to have closed while somebody holds it open. The transport closes it when the client
/// ends its side, though it could still be written to.
/// </summary>
internal sealed class HalfOpenConnection : ConnectionContext, IHalfCloseFeature
{
    // The FIN may be here before the request is read that would hold the connection open.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly ConnectionContext _inner;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly Lock _gate = new();
    private int _holds;
    private bool _wasHeld;
    private bool _hasEnded;
    private bool _isDone;
    private volatile bool _isTelling;

    public HalfOpenConnection(ConnectionContext inner)
    {
        _inner = inner;
        ConnectionClosed = _closed.Token;
        inner.Features.Set<IHalfCloseFeature>(this);
        _registration = inner.ConnectionClosed.UnsafeRegister(static self => ((HalfOpenConnection)self!).OnInnerClosed(), this);
    }

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _inner.Transport;
        set => _inner.Transport = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    public override CancellationToken ConnectionClosed { get; set; }

    public IDisposable KeepOpen()
    {
        lock (_gate)
        {
            _holds++;
            _wasHeld = true;
            if (_hasEnded && !_isDone) _closed.CancelAfter(Timeout.InfiniteTimeSpan);
        }
        return new Hold(this);
    }

    public override void Abort(ConnectionAbortedException abortReason)
    {
        // HTTP aborts a connection that it is told to have closed: that would destroy what is still leaving.
        if (!_isTelling) _inner.Abort(abortReason);
    }

    public override void Abort() => _inner.Abort();

    /// <summary>HTTP has let go. The inner connection is the server's to dispose of.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync().ConfigureAwait(false);
        lock (_gate) _isDone = true;
        _closed.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private void OnInnerClosed()
    {
        lock (_gate)
        {
            _hasEnded = true;
            if (_isDone || _holds > 0) return;
            if (!_wasHeld)
            {
                _closed.CancelAfter(Grace);
                return;
            }
        }
        Tell();
    }

    private void Release()
    {
        lock (_gate)
        {
            if (--_holds > 0 || !_hasEnded || _isDone) return;
        }
        Tell();
    }

    // What was written while somebody held the connection open may still be leaving.
    private void Tell()
    {
        _isTelling = true;
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // HTTP let go just now.
        }
        _isTelling = false;
    }

    private sealed class Hold(HalfOpenConnection connection) : IDisposable
    {
        private HalfOpenConnection? _connection = connection;

        public void Dispose() => Interlocked.Exchange(ref _connection, null)?.Release();
    }
}
