using System.Threading.Tasks.Sources;
using Sluice.Protocol;

namespace Sluice;

/// <summary>Where the loop meets whoever wants its messages: a caller, a stream's reader, or a handler.</summary>
internal sealed partial class ReceiveLoop : IValueTaskSource<Message>, IValueTaskSource<int>
{
    private volatile Demand _demand;
    private volatile bool _unclaimed; // a task was handed out and not awaited yet: its source is not free
    private bool _discard;
    private bool _passedOver;
    private Message? _ready; // came when whoever wanted it had given up waiting
    private ManualResetValueTaskSourceCore<Message> _messageSource;
    private ManualResetValueTaskSourceCore<int> _chunkSource;
    private Memory<byte> _destination;
    private MessageReader? _stream; // open, and not yet read to its end
    private MessageReader? _started; // on its way to the caller
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    private enum Demand
    {
        None,
        Message,
        Stream,
        Chunk,
    }

    /// <summary>The next whole message, or the end of the connection.</summary>
    public ValueTask<Message> ReceiveAsync(CancellationToken cancellation) => Want(Demand.Message, cancellation);

    /// <summary>The next message as a stream; <see langword="null"/> at the end of the connection.</summary>
    public async ValueTask<MessageReader?> ReadMessageAsync(CancellationToken cancellation)
    {
        var start = await Want(Demand.Stream, cancellation).ConfigureAwait(false);
        if (start.IsClose) return null;
        // A message that was received whole, for a caller who then gave up waiting, is read from its buffer.
        return start.HasBuffer ? new MessageReader(this, start) : Interlocked.Exchange(ref _started, null);
    }

    /// <summary>The next bytes of the streamed message; 0 at its end.</summary>
    public ValueTask<int> ReadChunkAsync(MessageReader stream, Memory<byte> destination, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellation);
        lock (_gate)
        {
            if (_demand != Demand.None || _unclaimed) throw AlreadyReceiving();
            if (_stream != stream || _connection.IsEnded) return ValueTask.FromException<int>(Lost());
            _chunkSource.Reset();
            _chunkSource.RunContinuationsAsynchronously = false;
            _destination = destination;
            _demand = Demand.Chunk;
            _unclaimed = true;
        }
        Watch(cancellation);
        Kick();
        return new ValueTask<int>(this, _chunkSource.Version);
    }

    /// <summary>Passes over what is left of a streamed message. A read that waits for it ends.</summary>
    public void Abandon(MessageReader stream)
    {
        Demand demand;
        lock (_gate)
        {
            if (_stream != stream) return;
            _stream = null;
            demand = TakeDemand();
        }
        Fail(demand, new ObjectDisposedException(nameof(MessageReader)));
        Kick();
    }

    /// <summary>From now on messages that nobody wants are passed over, so that the peer's close frame is found behind them.</summary>
    public void DiscardUnwanted()
    {
        lock (_gate) _discard = true;
        Kick();
    }

    /// <summary>The connection has ended: whoever waits is told so.</summary>
    public void EndConsumers()
    {
        Demand demand;
        lock (_gate)
        {
            demand = TakeDemand();
            _stream = null;
        }
        Watch(CancellationToken.None);
        if (demand is Demand.Message or Demand.Stream)
        {
            // The caller's code does not run inside whatever ends the connection.
            _messageSource.RunContinuationsAsynchronously = true;
            _messageSource.SetResult(Message.Closed);
        }
        else if (demand == Demand.Chunk)
        {
            Fail(demand, Lost());
        }
    }

    Message IValueTaskSource<Message>.GetResult(short token)
    {
        if (_messageSource.GetStatus(token) == ValueTaskSourceStatus.Pending) throw AlreadyReceiving();
        try
        {
            return _messageSource.GetResult(token);
        }
        finally
        {
            _unclaimed = false;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<Message>.GetStatus(short token) => _messageSource.GetStatus(token);

    void IValueTaskSource<Message>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _messageSource.OnCompleted(continuation, state, token, flags);

    int IValueTaskSource<int>.GetResult(short token)
    {
        if (_chunkSource.GetStatus(token) == ValueTaskSourceStatus.Pending) throw AlreadyReceiving();
        try
        {
            return _chunkSource.GetResult(token);
        }
        finally
        {
            _unclaimed = false;
        }
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _chunkSource.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _chunkSource.OnCompleted(continuation, state, token, flags);

    private static InvalidOperationException AlreadyReceiving() => new(
        "a receive is under way already: one caller at a time may receive, so await the last one, read the streamed message to its "
        + "end or dispose it, and do not receive beside a handler");

    private WebSocketClosedException Lost() => new(_connection.CloseResult);

    private ValueTask<Message> Want(Demand demand, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<Message>(cancellation);
        lock (_gate)
        {
            if (_demand != Demand.None || _unclaimed || _handler is not null || _stream is not null) throw AlreadyReceiving();
            if (_ready is { } ready)
            {
                _ready = null;
                return new ValueTask<Message>(ready);
            }
            _owed = false;
            if (_connection.IsEnded) return new ValueTask<Message>(Message.Closed);
            _messageSource.Reset();
            _messageSource.RunContinuationsAsynchronously = false;
            _demand = demand;
            _unclaimed = true;
        }
        Watch(cancellation);
        Kick();
        return new ValueTask<Message>(this, _messageSource.Version);
    }

    // The registration outlives the call: a caller that uses one token for all its receives pays for it once. One that
    // is too late for the end of the connection is taken back, as its token may live as long as the process.
    private void Watch(CancellationToken cancellation)
    {
        if (cancellation != _token)
        {
            CancellationTokenRegistration old;
            lock (_gate)
            {
                old = _registration;
                _registration = default;
                _token = cancellation;
            }
            old.Unregister();
            if (cancellation.CanBeCanceled) Register(cancellation);
        }
        else if (cancellation.IsCancellationRequested)
        {
            Cancel(cancellation); // its callback may have run before there was anything to cancel
        }
    }

    private void Register(CancellationToken cancellation)
    {
        var registration = cancellation.UnsafeRegister(static (loop, token) => ((ReceiveLoop)loop!).Cancel(token), this);
        lock (_gate)
        {
            if (_token == cancellation && !_connection.IsEnded)
            {
                _registration = registration;
                return;
            }
        }
        registration.Unregister();
    }

    private void Cancel(CancellationToken token)
    {
        Demand demand;
        lock (_gate) demand = token == _token ? TakeDemand() : Demand.None;
        Fail(demand, new OperationCanceledException(token));
    }

    private void Fail(Demand demand, Exception error)
    {
        if (demand is Demand.Message or Demand.Stream)
        {
            _messageSource.RunContinuationsAsynchronously = true;
            _messageSource.SetException(error);
        }
        else if (demand == Demand.Chunk)
        {
            _chunkSource.RunContinuationsAsynchronously = true;
            _chunkSource.SetException(error);
        }
    }

    private Demand TakeDemand()
    {
        var demand = _demand;
        _demand = Demand.None;
        _destination = default;
        return demand;
    }

    private bool TryChooseSink(out Sink sink)
    {
        if (_handler is not null && !_passedOver && !_connection.IsEnded)
        {
            sink = Sink.Handler;
            return true;
        }
        lock (_gate)
        {
            sink = _passedOver ? Sink.Discard : _demand switch
            {
                Demand.Message => Sink.Buffer,
                Demand.Stream => Sink.Stream,
                _ => Sink.Discard,
            };
            if (sink != Sink.Discard) return true;
            // Nothing is received behind a message that was passed over: what is received has no gaps.
            _passedOver = _discard;
            return _discard;
        }
    }

    private bool StayForConsumer()
    {
        bool wait;
        lock (_gate)
        {
            var wanted = _stopping || _phase switch
            {
                Phase.MessageStart => _handler is not null || _demand is Demand.Message or Demand.Stream || _discard,
                Phase.Ending => MayEnd,
                _ => _demand == Demand.Chunk || _stream is null,
            };
            if (wanted) return true;
            wait = _phase == Phase.Ending && !_graceGiven;
            if (wait) _graceGiven = true;
            _running = false;
        }
        if (wait) _connection.OnEndHeldUp();
        return false;
    }

    private Outcome DeliverStart()
    {
        var start = new Message(_assembly.Type, null);
        lock (_gate)
        {
            // Else the caller gave up just now: the message waits for the next one.
            if (_demand != Demand.Stream) return Outcome.Continue;
            _demand = Demand.None;
            _owed = true;
            StartPayload();
            _partEnd = _parser.Header is { Fin: true, PayloadLength: 0 } ? PartEnd.Payload : PartEnd.None;
            _stream = _started = _parts ?? new MessageReader(this, start);
            _running = false;
        }
        _metrics.Received(1, 0);
        _messageSource.SetResult(start);
        return Regain();
    }

    private Outcome DeliverMessage()
    {
        var message = _assembly.ToMessage();
        if (_handler is not null) return HandleAssembled(message); // attached since the message began
        _phase = Phase.Header;
        _metrics.Received(1, message.Payload.Length);
        lock (_gate)
        {
            _owed = true;
            if (_demand is not (Demand.Message or Demand.Stream))
            {
                _ready = message; // the caller gave up meanwhile: it is the next one's
                return Outcome.Continue;
            }
            _demand = Demand.None;
            _running = false;
        }
        // The caller may go on right here, on this stack, and drive the loop itself: it is not ours meanwhile.
        _messageSource.SetResult(message);
        return Regain();
    }

    private Outcome Regain()
    {
        lock (_gate)
        {
            if (_running) return Outcome.Suspended;
            _running = true;
            return Outcome.Continue;
        }
    }

    private Outcome ReadStream()
    {
        Memory<byte> destination;
        lock (_gate)
        {
            if (_stream is null)
            {
                _sink = Sink.Discard;
                return Outcome.Continue;
            }
            if (_demand != Demand.Chunk) return Outcome.NeedConsumer;
            destination = _destination;
            TakeDemand(); // from here on it can't be cancelled: the bytes are consumed
        }
        var start = _parser.Offset;
        var length = Math.Min(destination.Length, _segment.Length - _offset);
        var consumed = 0;
        if (length > 0) _parser.Read(_segment.Span.Slice(_offset, length), out consumed);
        var violation = _assembly.TakeInto(_segment.Span.Slice(_offset, consumed), destination.Span, _parser.Header, start);
        _offset += consumed;
        if (violation is not null)
        {
            FailNow(violation);
            Fail(Demand.Chunk, Lost());
            return Outcome.Continue;
        }
        if (_parser.Remaining == 0) _phase = Phase.FrameEnd;
        _partEnd = _parser.Remaining > 0 ? PartEnd.None : _parser.Header.Fin ? PartEnd.Payload : PartEnd.Fragment;
        _metrics.Received(0, consumed);
        lock (_gate) _running = false;
        _chunkSource.SetResult(consumed);
        return Regain();
    }

    private Outcome EndStream()
    {
        lock (_gate)
        {
            if (_stream is null)
            {
                _phase = Phase.Header;
                return Outcome.Continue;
            }
            if (_demand != Demand.Chunk) return Outcome.NeedConsumer;
            TakeDemand();
            _stream = null;
            _partEnd = PartEnd.Message;
            _phase = Phase.Header;
            _running = false;
        }
        _chunkSource.SetResult(0);
        return Regain();
    }
}
