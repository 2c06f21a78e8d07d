using System.Buffers.Binary;

namespace Sluice;

/// <summary>
/// Everything about a connection that happens because time passed: pings and the peer's silence, idleness, a
/// transport that takes nothing, a closing handshake without answer. One entry in the wheel, moved to whichever
/// time comes first. Its gate is the object itself.
/// </summary>
internal sealed class KeepAlive : TimerWheel.Entry
{
    private const int PingSize = 8;
    private const int MaxPings = 64; // pings of the caller's under way

    private readonly WebSocketConnection _connection;
    private readonly ConnectionOptions _options;
    private readonly TimerWheel _wheel;
    private Ping? _pings;
    private long _nextId;
    private long _pingDue;
    private long _endDue = long.MaxValue;
    private long _graceDue = long.MaxValue;
    private long _lastMessage; // on the wheel's coarse clock
    private long _keepAliveId;
    private long _keepAliveSentAt;
    private long _roundTrip = -1;
    private int _misses;
    private bool _heard;
    private bool _stopped;

    public KeepAlive(WebSocketConnection connection, ConnectionOptions options)
    {
        _connection = connection;
        _options = options;
        _wheel = TimerWheel.For(options.TimeProvider);
        var now = _wheel.Now;
        _pingDue = After(now, options.KeepAliveInterval);
        _lastMessage = now;
    }

    /// <summary>The round-trip time of the ping answered last; <see langword="null"/> before the first.</summary>
    public TimeSpan? RoundTripTime => Volatile.Read(ref _roundTrip) is var ticks and >= 0 ? new TimeSpan(ticks) : null;

    public void Start() => Reschedule();

    /// <summary>Bytes came: the peer is alive.</summary>
    public void OnBytes() => _heard = true;

    /// <summary>A message came or was sent: the connection is not idle.</summary>
    public void OnMessage() => _lastMessage = _wheel.CoarseNow;

    /// <summary>Sets the time at which <see cref="WebSocketConnection.OnEndDue"/> is called, if it is not sooner already.</summary>
    public void EndWithin(TimeSpan time) => Reschedule(endWithin: time);

    /// <summary>Sets that time anew.</summary>
    public void ExtendEnd(TimeSpan time)
    {
        lock (this) _endDue = long.MaxValue;
        Reschedule(endWithin: time);
    }

    /// <summary>Sets the time at which <see cref="WebSocketConnection.OnGraceOver"/> is called.</summary>
    public void GraceWithin(TimeSpan time)
    {
        lock (this) _graceDue = After(_wheel.Now, time);
        Reschedule();
    }

    /// <summary>The connection has ended: pings that wait are told so.</summary>
    public void Stop(CloseResult result)
    {
        Ping? pings;
        lock (this)
        {
            pings = _pings;
            _pings = null;
        }
        for (; pings is not null; pings = pings.Next)
        {
            pings.Answer.TrySetException(new WebSocketClosedException(result));
            _ = pings.Answer.Task.Exception; // seen, even when its caller was cancelled meanwhile
        }
    }

    /// <summary>Takes the connection off the wheel for good.</summary>
    public void Release()
    {
        lock (this)
        {
            _stopped = true;
            _wheel.Schedule(this, long.MaxValue);
        }
    }

    /// <summary>Sends a ping and waits for the pong that answers it.</summary>
    public async Task<TimeSpan> PingAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var ping = AddPing();
        SendPing(ping.Id);
        try
        {
            return await ping.Answer.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            RemovePing(ping);
        }
    }

    /// <summary>A pong came. One that answers none of our pings is allowed and means nothing (RFC 6455 §5.5.3).</summary>
    public void OnPong(ReadOnlySpan<byte> payload)
    {
        if (payload.Length != PingSize) return;
        var id = BinaryPrimitives.ReadInt64BigEndian(payload);
        lock (this)
        {
            for (var ping = _pings; ping is not null; ping = ping.Next)
            {
                if (ping.Id != id || ping.Answer.Task.IsCompleted) continue;
                var time = _options.TimeProvider.GetElapsedTime(ping.SentAt);
                _roundTrip = time.Ticks;
                ping.Answer.TrySetResult(time);
                return;
            }
            if (id == _keepAliveId && _keepAliveId != 0)
            {
                _roundTrip = _options.TimeProvider.GetElapsedTime(_keepAliveSentAt).Ticks;
                _keepAliveId = 0;
            }
        }
    }

    /// <inheritdoc/>
    protected internal override void OnDue()
    {
        var now = _wheel.Now;
        long endDue;
        bool graceOver;
        lock (this)
        {
            if (_stopped) return;
            endDue = _endDue;
            if (now >= endDue) _endDue = long.MaxValue;
            graceOver = now >= _graceDue;
            if (graceOver) _graceDue = long.MaxValue;
        }
        if (graceOver) Run(static connection => connection.OnGraceOver());
        // What ends a connection may run its user's code, and so does not run on the timer of all connections.
        if (now >= endDue) Run(static connection => connection.OnEndDue());
        else if (now >= SendDue(long.MaxValue)) Run(static connection => connection.OnSendTimeout());
        else if (!_connection.IsClosing) CheckPeer(now);
        Reschedule();
    }

    private void CheckPeer(long now)
    {
        if (now >= _pingDue) OnPingDue(now);
        if (now >= IdleDue) Run(static connection => connection.OnIdle());
    }

    private void OnPingDue(long now)
    {
        _pingDue = After(now, _options.KeepAliveInterval);
        // While nobody reads (the application holds a message), silence says nothing about the peer.
        if (_heard || !_connection.IsListening) _misses = 0;
        _heard = false;
        if (_misses >= _options.KeepAliveMisses)
        {
            Run(static connection => connection.OnPeerSilent());
            return;
        }
        _misses++;
        long id;
        lock (this)
        {
            id = _keepAliveId = ++_nextId;
            _keepAliveSentAt = _options.TimeProvider.GetTimestamp();
        }
        SendPing(id);
    }

    // One tick more than the coarse clock says, so that it is never too soon.
    private long IdleDue => After(_lastMessage + TimerWheel.TickMilliseconds, _options.IdleTimeout);

    private long SendDue(long otherwise)
    {
        var since = _connection.Sender.HeldSince;
        return since < 0 ? otherwise : After(since + TimerWheel.TickMilliseconds, _options.SendTimeout);
    }

    private void Reschedule(TimeSpan? endWithin = null)
    {
        lock (this)
        {
            if (_stopped) return;
            var now = _wheel.Now;
            if (endWithin is { } time) _endDue = Math.Min(_endDue, After(now, time));
            // A flush that is stuck is found by looking: as often as makes its time-out exact.
            var due = Math.Min(Math.Min(_endDue, _graceDue), SendDue(After(now, _options.SendTimeout)));
            if (!_connection.IsClosing) due = Math.Min(due, Math.Min(_pingDue, IdleDue));
            _wheel.Schedule(this, due);
        }
    }

    private void Run(Action<WebSocketConnection> action) => ThreadPool.UnsafeQueueUserWorkItem(action, _connection, preferLocal: false);

    private void SendPing(long id)
    {
        Span<byte> payload = stackalloc byte[PingSize];
        BinaryPrimitives.WriteInt64BigEndian(payload, id);
        _connection.Sender.SendControl(Protocol.Opcode.Ping, payload, corked: false);
    }

    private Ping AddPing()
    {
        lock (this)
        {
            var count = 0;
            for (var other = _pings; other is not null; other = other.Next) count++;
            if (count >= MaxPings) throw new InvalidOperationException($"{MaxPings} pings are unanswered already; wait for their pongs");
            if (_connection.CloseResult is { } result) throw new WebSocketClosedException(result);
            return _pings = new Ping(++_nextId, _options.TimeProvider.GetTimestamp()) { Next = _pings };
        }
    }

    private void RemovePing(Ping ping)
    {
        lock (this)
        {
            if (_pings == ping)
            {
                _pings = ping.Next;
                return;
            }
            for (var before = _pings; before is not null; before = before.Next)
            {
                if (before.Next == ping) before.Next = ping.Next;
            }
        }
    }

    private static long After(long now, TimeSpan time)
        => time == Timeout.InfiniteTimeSpan ? long.MaxValue : now + Math.Max(1, (long)time.TotalMilliseconds);

    private sealed class Ping(long id, long sentAt)
    {
        public long Id { get; } = id;

        public long SentAt { get; } = sentAt;

        public TaskCompletionSource<TimeSpan> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Ping? Next { get; set; }
    }
}
