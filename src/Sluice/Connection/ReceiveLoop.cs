using System.IO.Pipelines;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// Reads the transport and turns bytes into messages. A state machine that whoever owns it (<c>_running</c>) drives:
/// the callback of a read, or a caller who wants a message while bytes are there already. It always reads, so that
/// pings, pongs and closes are handled while nobody receives; at the start of a message that nobody wants yet it
/// stops and leaves the bytes in the transport, which is the backpressure. Its gate is the object itself, and what a connection
/// with a handler has no use for is made late: an idle connection pays for every object.
/// </summary>
internal sealed partial class ReceiveLoop
{
    private readonly WebSocketConnection _connection;
    private readonly PipeReader _input;
    private readonly ConnectionOptions _options;
    private Phase _phase;
    private bool _running; // somebody drives the loop, or waits for what lets it go on
    private bool _finished;
    private volatile bool _stopping;

    public ReceiveLoop(
        PipeReader input, WebSocketConnection connection, Role role, ConnectionOptions options, MessageInflater? inflater)
    {
        _input = input;
        _connection = connection;
        _options = options;
        _parser = new FrameParser(role, inflater is null ? ReservedBits.None : ReservedBits.Rsv1);
        _assembly = new MessageAssembly(options, inflater);
        _controlFrames = new ControlFrameBudget(options);
        _onRead = OnRead;
    }

    private enum Phase
    {
        Header,
        MessageStart,
        Payload,
        FrameEnd,
        Control,
        Ending, // the input's end was met, and is told when the last message's receiver is back
        Linger, // failed: passes over frames until the peer's close frame
        PassRest, // passes over the bytes that came behind the peer's close frame
        AwaitEnd, // passes over bytes until the transport ends
        Done,
    }

    private enum Outcome
    {
        Continue,
        NeedData,
        NeedRest,
        NeedConsumer,
        Suspended,
        Done,
    }

    public void Start() => Kick();

    /// <summary>Ends the loop as soon as its owner can: releases the transport.</summary>
    public void Stop()
    {
        bool idle;
        lock (this)
        {
            if (_finished) return;
            _stopping = true;
            idle = !_running;
            _running = true;
        }
        if (idle) Drive();
        else CancelRead();
    }

    // The owner may be about to read: then the next read is the one that comes back at once.
    private void CancelRead()
    {
        try
        {
            _input.CancelPendingRead();
        }
        catch
        {
            // A transport that is torn down already has no read to cancel.
        }
    }

    /// <summary>Drives the loop when nobody else does.</summary>
    private void Kick()
    {
        lock (this)
        {
            if (_running) return;
            _running = true;
        }
        Drive();
    }

    // Inside a turn of this very thread the turn's end does what is left to do.
    private void Drive()
    {
        if (_turn == Environment.CurrentManagedThreadId)
        {
            Pump();
            return;
        }
        var outer = BeginTurn();
        Pump();
        EndTurn(outer);
    }

    private void Pump()
    {
        try
        {
            while (Advance())
            {
            }
        }
        catch (Exception e)
        {
            // The transport's own errors: reset, aborted, TLS. Anything that ends the input ends the connection.
            _connection.OnInputLost(e);
            Finish();
        }
    }

    private bool Advance()
    {
        if (_stopping) _phase = Phase.Done;
        if (_phase >= Phase.Linger) TellHandler();
        return Step() switch
        {
            Outcome.Continue => true,
            Outcome.NeedData => Read(),
            Outcome.NeedRest => ReadRestOfPayload(),
            Outcome.NeedConsumer => StayForConsumer(),
            Outcome.Done => Finish(),
            _ => false,
        };
    }

    private bool Finish()
    {
        lock (this)
        {
            if (_finished) return false;
            _finished = true; // stays owned for good: nobody drives it again
        }
        TellHandler();
        DropMessage();
        DropControl();
        try
        {
            ReleaseBuffer();
            _input.Complete();
        }
        catch
        {
            // The transport's own end; there is nobody left to tell.
        }
        _connection.OnInputReleased();
        return false;
    }
}
