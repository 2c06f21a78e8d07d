using Sluice.Protocol;

namespace Sluice;

/// <summary>Where the loop meets whoever wants its messages: a caller, a stream's reader, or a handler.</summary>
internal sealed partial class ReceiveLoop
{
    private volatile Demand _demand;
    private volatile Receiver? _receiver; // null until somebody receives by calls
    private bool _discard;
    private bool _passedOver;

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
        return start.HasBuffer ? new MessageReader(this, start) : TakeStarted();
    }

    /// <summary>The next bytes of the streamed message; 0 at its end.</summary>
    public ValueTask<int> ReadChunkAsync(MessageReader stream, Memory<byte> destination, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellation);
        Receiver receiver;
        lock (this)
        {
            receiver = Receiving();
            if (_demand != Demand.None || receiver.IsUnclaimed) throw Receiver.AlreadyReceiving();
            if (receiver.Stream != stream || _connection.IsEnded) return ValueTask.FromException<int>(Lost());
            receiver.BeginChunk(destination);
            _demand = Demand.Chunk;
        }
        Watch(receiver, cancellation);
        Kick();
        return receiver.ChunkTask;
    }

    /// <summary>Passes over what is left of a streamed message. A read that waits for it ends.</summary>
    public void Abandon(MessageReader stream)
    {
        Demand demand;
        lock (this)
        {
            if (_receiver is not { } receiver || receiver.Stream != stream) return;
            receiver.Stream = null;
            demand = TakeDemand();
        }
        Fail(demand, new ObjectDisposedException(nameof(MessageReader)));
        Kick();
    }

    /// <summary>From now on messages that nobody wants are passed over, so that the peer's close frame is found behind them.</summary>
    public void DiscardUnwanted()
    {
        lock (this) _discard = true;
        Kick();
    }

    /// <summary>The connection has ended: whoever waits is told so.</summary>
    public void EndConsumers()
    {
        Demand demand;
        Receiver receiver;
        lock (this)
        {
            if (_receiver is null) return;
            receiver = _receiver;
            demand = TakeDemand();
            receiver.Stream = null;
        }
        Watch(receiver, CancellationToken.None);
        if (demand is Demand.Message or Demand.Stream) receiver.DeliverEnd();
        else Fail(demand, Lost());
    }

    private WebSocketClosedException Lost() => new(_connection.CloseResult);

    private ValueTask<Message> Want(Demand demand, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<Message>(cancellation);
        Receiver receiver;
        lock (this)
        {
            ThrowIfReceiving();
            receiver = Receiving();
            if (receiver.Ready is { } ready)
            {
                receiver.Ready = null;
                return new ValueTask<Message>(ready);
            }
            _owed = false;
            if (_connection.IsEnded) return new ValueTask<Message>(Message.Closed);
            receiver.BeginMessage();
            _demand = demand;
        }
        Watch(receiver, cancellation);
        Kick();
        return receiver.MessageTask;
    }

    // The registration outlives the call: a caller that uses one token for all its receives pays for it once. One that
    // is too late for the end of the connection is taken back, as its token may live as long as the process.
    private void Watch(Receiver receiver, CancellationToken cancellation)
    {
        if (cancellation != receiver.Token)
        {
            CancellationTokenRegistration old;
            lock (this)
            {
                old = receiver.Registration;
                receiver.Registration = default;
                receiver.Token = cancellation;
            }
            old.Unregister();
            if (cancellation.CanBeCanceled) Register(receiver, cancellation);
        }
        else if (cancellation.IsCancellationRequested)
        {
            Cancel(cancellation); // its callback may have run before there was anything to cancel
        }
    }

    private void Register(Receiver receiver, CancellationToken cancellation)
    {
        var registration = cancellation.UnsafeRegister(static (loop, token) => ((ReceiveLoop)loop!).Cancel(token), this);
        lock (this)
        {
            if (receiver.Token == cancellation && !_connection.IsEnded)
            {
                receiver.Registration = registration;
                return;
            }
        }
        registration.Unregister();
    }

    private void Cancel(CancellationToken token)
    {
        Demand demand;
        lock (this) demand = token == _receiver!.Token ? TakeDemand() : Demand.None;
        Fail(demand, new OperationCanceledException(token));
    }

    private void Fail(Demand demand, Exception error)
    {
        if (demand is Demand.Message or Demand.Stream) _receiver!.FailMessage(error);
        else if (demand == Demand.Chunk) _receiver!.FailChunk(error);
    }

    // With the gate held, as the next three.
    private Receiver Receiving() => _receiver ??= new Receiver();

    private void ThrowIfReceiving()
    {
        if (_demand != Demand.None || _handler is not null || _receiver is { IsUnclaimed: true } or { Stream: not null })
        {
            throw Receiver.AlreadyReceiving();
        }
    }

    private bool IsStreaming => _receiver is { Stream: not null };

    private Demand TakeDemand()
    {
        var demand = _demand;
        if (demand == Demand.None) return demand;
        _demand = Demand.None;
        _receiver!.Destination = default;
        return demand;
    }

    private MessageReader? TakeStarted()
    {
        lock (this)
        {
            var started = _receiver!.Started;
            _receiver.Started = null;
            return started;
        }
    }

    private bool IsForHandler => _handler is not null && !_passedOver && !_connection.IsEnded;

    private bool TryChooseSink(out Sink sink)
    {
        if (IsForHandler)
        {
            sink = Sink.Handler;
            return true;
        }
        lock (this)
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
        lock (this)
        {
            var wanted = _stopping || _phase switch
            {
                Phase.MessageStart => _handler is not null || _demand is Demand.Message or Demand.Stream || _discard,
                Phase.Ending => MayEnd,
                _ => _demand == Demand.Chunk || !IsStreaming,
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
        var receiver = _receiver!;
        lock (this)
        {
            // Else the caller gave up just now: the message waits for the next one.
            if (_demand != Demand.Stream) return Outcome.Continue;
            _demand = Demand.None;
            _owed = true;
            BeginPayload();
            _partEnd = _parser.Header is { Fin: true, PayloadLength: 0 } ? PartEnd.Payload : PartEnd.None;
            receiver.Stream = receiver.Started = receiver.Parts ?? new MessageReader(this, start);
            _running = false;
        }
        _options.Metrics.Received(1, 0);
        receiver.Deliver(start);
        return Regain();
    }

    private Outcome DeliverMessage()
    {
        var message = _assembly.ToMessage();
        if (_handler is not null)
        {
            // Attached since the message began; one that has failed meanwhile gets nothing more.
            if (!_connection.HasHandlerFailed) return HandleAssembled(message);
            message.Dispose();
            _phase = Phase.Header;
            return Outcome.Continue;
        }
        _phase = Phase.Header;
        _options.Metrics.Received(1, message.Payload.Length);
        lock (this)
        {
            _owed = true;
            if (_demand is not (Demand.Message or Demand.Stream))
            {
                _receiver!.Ready = message; // the caller gave up meanwhile: it is the next one's
                return Outcome.Continue;
            }
            _demand = Demand.None;
            _running = false;
        }
        // The caller may go on right here, on this stack, and drive the loop itself: it is not ours meanwhile.
        _receiver!.Deliver(message);
        return Regain();
    }

    private Outcome Regain()
    {
        lock (this)
        {
            if (_running) return Outcome.Suspended;
            _running = true;
            return Outcome.Continue;
        }
    }

    private Outcome ReadStream()
    {
        Memory<byte> destination;
        lock (this)
        {
            if (!IsStreaming)
            {
                _sink = Sink.Discard;
                return Outcome.Continue;
            }
            if (_demand != Demand.Chunk) return Outcome.NeedConsumer;
            destination = _receiver!.Destination;
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
        _options.Metrics.Received(0, consumed);
        lock (this) _running = false;
        _receiver!.Deliver(consumed);
        return Regain();
    }

    private Outcome EndStream()
    {
        lock (this)
        {
            if (!IsStreaming)
            {
                _phase = Phase.Header;
                return Outcome.Continue;
            }
            if (_demand != Demand.Chunk) return Outcome.NeedConsumer;
            TakeDemand();
            _receiver!.Stream = null;
            _partEnd = PartEnd.Message;
            _phase = Phase.Header;
            _running = false;
        }
        _receiver!.Deliver(0);
        return Regain();
    }
}
