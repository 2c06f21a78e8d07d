using System.Buffers.Binary;

namespace Sluice;

/// <summary>
/// Everything about a connection that happens because time passed: pings and the peer's silence, idleness, a
/// transport that takes nothing, a closing handshake without answer. One entry in the wheel, moved to whichever
/// time comes first.
/// </summary>
internal sealed class KeepAlive : TimerWheel.Entry
{
    private const int PingSize = 8;
    private const int MaxPings = 64; // pings of the caller's under way

    private readonly WebSocketConnection _connection;
    private readonly ConnectionOptions _options;
    private readonly TimerWheel _wheel;
    private readonly Lock _gate = new();
    private Ping? _pings;
    private long _nextId;
    private long _pingDue;
    private long _idleDue;
    private long _endDue = long.MaxValue;
    private long _stuckFlush = -1;
    private long _stuckDue = long.MaxValue;
    private int _misses;
    private bool _heard;
    private bool _hadMessage;
    private bool _stopped;

    public KeepAlive(WebSocketConnection connection, ConnectionOptions options)
    {
        _connection = connection;
        _options = options;
        _wheel = TimerWheel.For(options.TimeProvider);
        var now = _wheel.Now;
        _pingDue = After(now, options.KeepAliveInterval);
        _idleDue = After(now, options.IdleTimeout);
    }

    /// <summary>The round-trip time of the ping answered last; <see langword="null"/> before the first.</summary>
    public TimeSpan? RoundTripTime { get; private set; }

    public void Start() => Reschedule(_wheel.Now);

    /// <summary>Bytes came: the peer is alive.</summary>
    public void OnBytes() => _heard = true;

    /// <summary>A message came or was sent: the connection is not idle.</summary>
    public void OnMessage() => _hadMessage = true;

    /// <summary>Sets the time at which the connection is released, come what may.</summary>
    public void EndWithin(TimeSpan time)
    {
        var now = _wheel.Now;
        lock (_gate) _endDue = Math.Min(_endDue, After(now, time));
        Reschedule(now);
    }

    public void Stop(CloseResult result)
    {
        Ping? pings;
        lock (_gate)
        {
            pings = _pings;
            _pings = null;
        }
        for (; pings is not null; pings = pings.Next) pings.Answer.TrySetException(new WebSocketClosedException(result));
    }

    /// <summary>Takes the connection off the wheel for good.</summary>
    public void Release()
    {
        lock (_gate)
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
        lock (_gate)
        {
            for (var ping = _pings; ping is not null; ping = ping.Next)
            {
                if (ping.Id != id || ping.Answer.Task.IsCompleted) continue;
                var time = _options.TimeProvider.GetElapsedTime(ping.SentAt);
                RoundTripTime = time;
                ping.Answer.TrySetResult(time);
                return;
            }
            if (id == _keepAliveId && _keepAliveId != 0)
            {
                RoundTripTime = _options.TimeProvider.GetElapsedTime(_keepAliveSentAt);
                _keepAliveId = 0;
            }
        }
    }

    protected internal override void OnDue()
    {
        var now = _wheel.Now;
        if (now >= _endDue)
        {
            _connection.OnEndDue();
            return;
        }
        if (!_connection.IsClosing)
        {
            if (now >= _pingDue) OnPingDue(now);
            if (now >= _idleDue) OnIdleDue(now);
        }
        CheckFlush(now);
        Reschedule(now);
    }

    private long _keepAliveId;
    private long _keepAliveSentAt;

    private void OnPingDue(long now)
    {
        _pingDue = After(now, _options.KeepAliveInterval);
        // While nobody reads (the application holds a message), silence says nothing about the peer.
        if (_heard || !_connection.IsListening) _misses = 0;
        _heard = false;
        if (_misses >= _options.KeepAliveMisses)
        {
            _connection.OnPeerSilent(_misses);
            return;
        }
        _misses++;
        lock (_gate)
        {
            _keepAliveId = ++_nextId;
            _keepAliveSentAt = _options.TimeProvider.GetTimestamp();
        }
        SendPing(_keepAliveId);
    }

    private void OnIdleDue(long now)
    {
        _idleDue = After(now, _options.IdleTimeout);
        if (!_hadMessage) _connection.OnIdle();
        _hadMessage = false;
    }

    private void CheckFlush(long now)
    {
        var output = _connection.Sender.Output;
        var flush = output.IsFlushing ? output.Flushes : -1;
        if (flush != _stuckFlush || flush < 0)
        {
            _stuckFlush = flush;
            _stuckDue = flush < 0 ? long.MaxValue : After(now, _options.SendTimeout);
        }
        else if (now >= _stuckDue)
        {
            _connection.OnSendTimeout();
        }
    }

    private void Reschedule(long now)
    {
        lock (_gate)
        {
            if (_stopped) return;
            // A flush that is stuck is found by looking: at least this often while there is a time to keep.
            var look = _options.SendTimeout == Timeout.InfiniteTimeSpan ? long.MaxValue
                : Math.Min(_stuckDue, After(now, _options.SendTimeout));
            _wheel.Schedule(this, Math.Min(Math.Min(_pingDue, _idleDue), Math.Min(_endDue, look)));
        }
    }

    private void SendPing(long id)
    {
        Span<byte> payload = stackalloc byte[PingSize];
        BinaryPrimitives.WriteInt64BigEndian(payload, id);
        _connection.Sender.SendControl(Protocol.Opcode.Ping, payload, corked: false);
    }

    private Ping AddPing()
    {
        lock (_gate)
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
        lock (_gate)
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
