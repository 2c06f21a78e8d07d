using System.IO.Pipelines;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets.Connections;

/// <summary>One connection from its first byte to its last: does the steps, and writes down what happened.</summary>
internal sealed class Play
{
    private const int SecondsInBudget = 10; // what may come at once, as the clock stands still

    private readonly Trace _trace;
    private readonly Role _role;
    private readonly int _maxMessage;
    private readonly int _maxFragments;
    private readonly int _controlFramesPerSecond;
    private readonly PipeWriter _toConnection;
    private readonly PipeReader _fromConnection;
    private readonly WebSocketConnection _connection;
    private readonly Receiving _receiving;
    private readonly Sending _sending;
    private readonly List<byte> _fed = [];
    private readonly List<byte> _output = [];
    private readonly List<Task> _closing = [];
    private readonly Facts _facts = new();
    private bool _inputEnded;
    private bool _stoppedReading;

    public Play(byte flags, byte limits, byte window, Trace trace)
    {
        _trace = trace;
        _role = (flags & 1) == 0 ? Role.Server : Role.Client;
        _maxMessage = (flags & 2) == 0 ? 1024 * 1024 : 1 + (limits & 0x3F);
        _maxFragments = (flags & 4) == 0 ? 1000 : 1 + (limits >> 6);
        _controlFramesPerSecond = (flags & 32) == 0 ? 1000 : 1;
        _facts.HasWindow = (flags & 8) != 0;
        var there = new Pipe(Inline(pause: 0));
        var back = new Pipe(Inline(pause: _facts.HasWindow ? 1 + (window * 4) : 0));
        _toConnection = there.Writer;
        _fromConnection = back.Reader;
        var options = new ConnectionOptions
        {
            MaxMessageSize = _maxMessage,
            MaxFragments = _maxFragments,
            MaxControlFramesPerSecond = _controlFramesPerSecond,
            SendQueueMessages = (flags & 64) == 0 ? 256 * 1024 : 1 + (window & 7),
            SendQueueLimit = (flags & 16) == 0 ? 1024 * 1024 : 1 + window,
            TimeProvider = StoppedClock.Instance,
            RunInline = true, // all that happens, happens in the order of the input
        };
        _connection = new WebSocketConnection(new MemoryTransport(there.Reader, back.Writer), _role, options);
        _receiving = new Receiving(_connection, _facts);
        _sending = new Sending(_connection);
    }

    public void Step(InputReader input)
    {
        var call = (Call)(input.Byte() % (int)Call.Count);
        _trace.Note(1, ((int)call << 8) | (int)_connection.State);
        switch (call)
        {
            case Call.Feed:
                Feed(input.Byte(), input.Block());
                break;
            case Call.Drain:
                Drain();
                break;
            case Call.AnswerPing:
                AnswerPing();
                break;
            case Call.AttachHandler:
                _receiving.AttachHandler(input.Byte());
                break;
            case Call.Close:
                Close(input.Byte());
                break;
            case Call.EndInput:
                if (input.Below(4) == 0) EndInput();
                break;
            case Call.StopReading:
                if (input.Below(4) == 0) StopReading();
                break;
            case Call.Abort:
                if (input.Below(4) == 0) Abort();
                break;
            case Call.Dispose:
                if (input.Below(4) != 0) break;
                _facts.ClosedHere = true;
                _closing.Add(_connection.DisposeAsync().AsTask());
                break;
            default:
                if (!_receiving.Do(call, input)) _sending.Do(call, input);
                break;
        }
    }

    /// <summary>Ends the transport, waits for everything, and judges.</summary>
    public void End()
    {
        _sending.CloseWriter();
        EndInput();
        var draining = DrainToEndAsync();
        var receiving = _receiving.ToEndAsync();
        Guard.Await(receiving, "receiving ends once the transport has ended");
        receiving.GetAwaiter().GetResult();
        var result = Guard.ResultOf(_connection.Released, "the transport is released once it has ended");
        Guard.Await(draining, "the output ends");
        foreach (var closing in _closing) Guard.Await(closing, "CloseAsync and DisposeAsync end");
        _receiving.Finish();
        _sending.Finish();
        _trace.Note(2, (int)result.Code);
        new Verdict(_role, _maxMessage, _maxFragments, SecondsInBudget * _controlFramesPerSecond, _fed.ToArray(), _output.ToArray(), _facts).Judge(result, _receiving, _sending);
    }

    private static PipeOptions Inline(long pause) => new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: pause,
        resumeWriterThreshold: Math.Max(pause == 0 ? 0 : 1, pause / 2), useSynchronizationContext: false);

    private void Feed(int cut, byte[] bytes)
    {
        if (_inputEnded) return;
        _fed.AddRange(bytes);
        for (var at = 0; at < bytes.Length;)
        {
            var length = cut == 0 ? bytes.Length : Math.Min(cut, bytes.Length - at);
            _ = _toConnection.WriteAsync(bytes.AsMemory(at, length)).AsTask();
            at += length;
        }
    }

    // What a pong answers, the peer has read in our output.
    private void AnswerPing()
    {
        Drain();
        var frames = ReferenceParser.Parse(_output.ToArray(), _role == Role.Client).Frames;
        if (frames.FindLast(frame => frame.First == 0x89) is not { } ping) return;
        Feed(0, Grammar.Frames.Build(0x8A, ping.Payload, _role == Role.Server ? [1, 2, 3, 4] : null));
    }

    private void Drain()
    {
        try
        {
            while (!_stoppedReading && _fromConnection.TryRead(out var read) && Take(read))
            {
            }
        }
        catch (WebSocketClosedException)
        {
            // The connection gave up its output, and says so to the pipe.
            _stoppedReading = true;
        }
    }

    private async Task DrainToEndAsync()
    {
        try
        {
            while (!_stoppedReading && Take(await _fromConnection.ReadAsync().ConfigureAwait(false)))
            {
            }
        }
        catch (WebSocketClosedException)
        {
            // As above.
        }
    }

    /// <returns>Whether there is more.</returns>
    private bool Take(ReadResult read)
    {
        foreach (var segment in read.Buffer) _output.AddRange(segment.Span);
        _fromConnection.AdvanceTo(read.Buffer.End);
        return !read.IsCompleted && !read.Buffer.IsEmpty;
    }

    private void Close(byte kind)
    {
        _facts.ClosedHere = true;
        var (code, reason) = (kind & 3) switch
        {
            0 => (CloseCode.NormalClosure, ""),
            1 => (CloseCode.NoStatusReceived, ""),
            2 => ((CloseCode)4999, new string('x', kind % 124)),
            _ => (CloseCode.GoingAway, "é"),
        };
        using var cancelled = new CancellationTokenSource();
        var closing = _connection.CloseAsync(code, reason, (kind & 64) == 0 ? CancellationToken.None : cancelled.Token);
        if ((kind & 64) != 0) cancelled.Cancel();
        _closing.Add(closing);
    }

    private void EndInput()
    {
        if (_inputEnded) return;
        _inputEnded = true;
        _toConnection.Complete();
    }

    private void StopReading()
    {
        Drain();
        if (_stoppedReading) return;
        _stoppedReading = true;
        _facts.OutputLost = true;
        _fromConnection.Complete();
    }

    private void Abort()
    {
        _facts.Aborted = true;
        _connection.Abort();
        FuzzFailure.UnlessSame(_connection.State, ConnectionState.Closed, "Abort ends a connection at once");
    }
}
