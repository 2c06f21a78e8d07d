using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Reference;

namespace Sluice.Fuzz.Targets.Connections;

/// <summary>The side of a play that receives: by calls, as a stream, or by a handler.</summary>
internal sealed class Receiving(WebSocketConnection connection, Facts facts)
{
    private Task<Message>? _receive;
    private CancellationTokenSource? _receiveToken;
    private Task<MessageReader?>? _opening;
    private MessageReader? _reader;
    private Task<int>? _read;
    private byte[] _readBuffer = [];
    private ReferenceMessage? _streamed;
    private Task<CloseResult>? _run;
    private RecordingHandler? _handler;

    /// <summary>Messages in the order they came; one that was not read to its end is marked.</summary>
    public List<(ReferenceMessage Message, bool IsWhole)> Received { get; } = [];

    public RecordingHandler? Handler => _handler;

    public bool Do(Call call, InputReader input)
    {
        Collect();
        switch (call)
        {
            case Call.Receive:
                Receive(default);
                return true;
            case Call.ReceiveCancelled:
                CheckCancelled();
                return true;
            case Call.CancelReceive:
                CancelReceive();
                return true;
            case Call.OpenReader:
                OpenReader();
                return true;
            case Call.ReadSome:
                Read(1 + (input.Below(5) switch { 0 => 0, 1 => 1, 2 => 6, 3 => 125, _ => 4096 }));
                return true;
            case Call.CloseReader:
                CloseReader();
                return true;
            case Call.ReleaseHandler:
                _handler?.Release();
                return true;
            default:
                return false;
        }
    }

    public void AttachHandler(byte kind)
    {
        Collect();
        if (IsBusy)
        {
            if (_run is not null || _reader is not null) return; // it would only be refused
        }
        var handler = new RecordingHandler(kind, facts, Received);
        var run = connection.RunAsync(handler);
        if (run.IsFaulted && run.Exception.InnerException is InvalidOperationException && IsBusy) return;
        _handler = handler;
        _run = run;
    }

    /// <summary>Receives whatever is left.</summary>
    public async Task ToEndAsync()
    {
        Collect();
        _handler?.ReleaseForGood();
        if (_receive is not null) await Settle(_receive).ConfigureAwait(false);
        if (_opening is not null) await Settle(_opening).ConfigureAwait(false);
        Collect();
        if (_read is not null) await Settle(_read).ConfigureAwait(false);
        Collect();
        CloseReader();
        if (_run is not null)
        {
            await Settle(_run).ConfigureAwait(false);
            return;
        }
        while (true)
        {
            using var message = await connection.ReceiveAsync().ConfigureAwait(false);
            if (message.IsClose) return;
            Add(message);
        }
    }

    /// <summary>Looks at how the last calls ended.</summary>
    public void Finish()
    {
        if (_run is null) return;
        if (_handler!.Broken is { } rule) throw new FuzzFailure(rule);
        FuzzFailure.Unless(_run.IsCompletedSuccessfully || (facts.HandlerThrew && _run.Exception?.InnerException is RecordingHandler.Fault), "RunAsync ends as its handler did");
        FuzzFailure.UnlessSame(_handler.Closes, 1, "OnClose is called once");
    }

    private bool IsBusy => _receive is not null || _opening is not null || _reader is not null || _run is not null;

    private void Receive(CancellationToken token)
    {
        if (!IsBusy)
        {
            _receive = connection.ReceiveAsync(token).AsTask();
            Collect();
            return;
        }
        ExpectRefusal(() => connection.ReceiveAsync(token).AsTask());
    }

    // On a connection that has ended a receive may also say so; the call itself may come to the end, as long as a handler's
    // OnOpenAsync has not returned.
    private void ExpectRefusal(Func<Task> call)
    {
        try
        {
            var task = call();
            if (connection.State == ConnectionState.Closed && task.IsCompletedSuccessfully && task is Task<Message> { Result.IsClose: true } or Task<MessageReader?> { Result: null }) return;
            FuzzFailure.Unless(task.IsFaulted && task.Exception.InnerException is InvalidOperationException, "one caller at a time may receive");
        }
        catch (InvalidOperationException)
        {
            // Documented.
        }
    }

    private void CheckCancelled()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        FuzzFailure.Unless(connection.ReceiveAsync(cancelled.Token).AsTask().IsCanceled, "a cancelled token cancels a receive");
        if (IsBusy) return;
        _receiveToken = new CancellationTokenSource();
        Receive(_receiveToken.Token);
    }

    private void CancelReceive()
    {
        if (_receiveToken is null) return;
        _receiveToken.Cancel();
        if (_receive is not null) Guard.Await(_receive, "a cancelled receive ends");
        _receiveToken = null;
        Collect();
    }

    private void OpenReader()
    {
        if (IsBusy)
        {
            ExpectRefusal(() => connection.ReadMessageAsync().AsTask());
            return;
        }
        _opening = connection.ReadMessageAsync().AsTask();
        Collect();
    }

    private void Read(int size)
    {
        if (_reader is null || _read is not null) return;
        _readBuffer = new byte[size];
        _read = _reader.ReadAsync(_readBuffer.AsMemory()).AsTask();
        Collect();
    }

    private void CloseReader()
    {
        if (_reader is null) return;
        facts.PassedOver = true;
        _reader.Dispose();
        if (_read is not null) Guard.Await(_read, "disposing a reader ends its read");
        Collect();
        if (_reader is null) return;
        Received.Add((_streamed!, false));
        _reader = null;
    }

    // Takes what has completed.
    private void Collect()
    {
        if (_receive is { IsCompleted: true } receive)
        {
            _receive = null;
            _receiveToken = null;
            if (!receive.IsCanceled)
            {
                using var message = receive.GetAwaiter().GetResult();
                if (!message.IsClose) Add(message);
            }
        }
        if (_opening is { IsCompleted: true } opening)
        {
            _opening = null;
            _reader = opening.GetAwaiter().GetResult();
            if (_reader is not null) _streamed = new(_reader.Type == MessageType.Text, []);
        }
        if (_read is { IsCompleted: true } read) TakeRead(read);
    }

    private void TakeRead(Task<int> read)
    {
        _read = null;
        if (read.IsFaulted)
        {
            var error = read.Exception.InnerException;
            FuzzFailure.Unless(error is WebSocketClosedException or ObjectDisposedException, "a read fails as documented");
            Received.Add((_streamed!, false));
            _reader = null;
            return;
        }
        if (read.Result == 0)
        {
            Received.Add((_streamed!, true));
            _reader = null;
            return;
        }
        _streamed = _streamed! with { Payload = [.. _streamed.Payload, .. _readBuffer.AsSpan(0, read.Result)] };
    }

    private void Add(Message message) => Received.Add((new(message.IsText, message.Payload.ToArray()), true));

    private static Task Settle(Task task)
        => task.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
