using Sluice.Fuzz.Engine;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets.Connections;

/// <summary>The side of a play that sends. Every message is told from the others by its number.</summary>
internal sealed class Sending(WebSocketConnection connection)
{
    private readonly List<(Sent Message, Task Task)> _pending = [];
    private readonly List<Task> _pings = [];
    private Task<MessageWriter>? _opening;
    private MessageWriter? _writer;
    private Sent? _streamed;
    private Task _writing = Task.CompletedTask;

    /// <summary>What was tried, in order.</summary>
    public List<Sent> Tried { get; } = [];

    public void Do(Call call, InputReader input)
    {
        Collect();
        switch (call)
        {
            case Call.Send:
                Send(Size(input), input.Flag() ? MessageType.Text : MessageType.Binary, CancellationToken.None);
                break;
            case Call.SendCancelled:
                SendCancelled(Size(input));
                break;
            case Call.TrySend:
                TrySend(Size(input));
                break;
            case Call.OpenWriter:
                OpenWriter();
                break;
            case Call.WriteFragment:
                Write(Size(input));
                break;
            case Call.CloseWriter:
                CloseWriter();
                break;
            case Call.Ping:
                Ping();
                break;
        }
    }

    public void CloseWriter()
    {
        Collect();
        if (_writer is null) return;
        var writer = _writer;
        _writer = null;
        _pending.Add((_streamed!, DisposeLaterAsync(_writing, writer)));
    }

    /// <summary>Everything must have ended, in a documented way.</summary>
    public void Finish()
    {
        if (_opening is not null) Guard.Await(_opening, "OpenMessageAsync ends");
        Collect();
        CloseWriter();
        foreach (var (message, task) in _pending)
        {
            Guard.Await(task, "a send ends");
            Check(message, task);
        }
        foreach (var ping in _pings)
        {
            Guard.Await(ping, "a ping ends");
            FuzzFailure.Unless(
                ping.IsCompletedSuccessfully || ping.Exception?.InnerException is WebSocketClosedException or InvalidOperationException, "a ping fails as documented");
        }
        FuzzFailure.Unless(!connection.TrySend(MessageType.Binary, new byte[1]), "a closed connection takes nothing");
    }

    private static int Size(InputReader input) => input.Byte() switch
    {
        < 128 and var small => small,
        < 240 and var medium => medium * 5,
        var large => large * 300,
    };

    private Sent Next(int size)
    {
        // A number, and a pattern that shows a buffer of somebody else's.
        var payload = new byte[4 + size];
        for (var i = 0; i < payload.Length; i++) payload[i] = (byte)((Tried.Count * 31) + i & 0x7F);
        BitConverter.TryWriteBytes(payload, Tried.Count & 0x7F7F7F7F);
        var sent = new Sent(payload);
        Tried.Add(sent);
        return sent;
    }

    private void Send(int size, MessageType type, CancellationToken token)
    {
        var message = Next(size);
        var task = connection.SendAsync(type, message.Payload, token).AsTask();
        if (task.IsCompleted) Check(message, task);
        else _pending.Add((message, task));
    }

    private void SendCancelled(int size)
    {
        using var token = new CancellationTokenSource();
        var message = Next(size);
        var task = connection.SendAsync(MessageType.Binary, message.Payload, token.Token).AsTask();
        token.Cancel();
        message.MayBeCancelled = true;
        if (task.IsCompleted) Check(message, task);
        else _pending.Add((message, task));
    }

    private void TrySend(int size)
    {
        var message = Next(size);
        message.Outcome = connection.TrySend(MessageType.Binary, message.Payload) ? Outcome.Accepted : Outcome.Refused;
    }

    private void OpenWriter()
    {
        if (_writer is not null || _opening is not null) return;
        _streamed = Next(0);
        _streamed.Payload = [];
        _streamed.IsStreamed = true;
        _opening = connection.OpenMessageAsync(MessageType.Binary).AsTask();
        Collect();
    }

    // One fragment at a time, so that a write that waits does not keep the play from going on.
    private void Write(int size)
    {
        if (_writer is null || !_writing.IsCompleted) return;
        var part = new byte[size];
        Array.Fill(part, (byte)(0x80 | Tried.Count));
        _streamed!.Payload = [.. _streamed.Payload, .. part];
        _writing = _writer.WriteAsync(part).AsTask();
    }

    private void Ping()
    {
        if (_pings.Count < 80) _pings.Add(connection.PingAsync());
    }

    private void Collect()
    {
        if (_opening is not { IsCompleted: true } opening) return;
        _opening = null;
        if (opening.IsCompletedSuccessfully) _writer = opening.Result;
        else Check(_streamed!, opening);
    }

    private static async Task DisposeLaterAsync(Task writing, MessageWriter writer)
    {
        try
        {
            await writing.ConfigureAwait(false);
        }
        finally
        {
            await writer.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static void Check(Sent message, Task task)
    {
        if (task.IsCompletedSuccessfully)
        {
            // Disposing a writer of a closed connection sends nothing, and throws nothing.
            message.Outcome = message.IsStreamed ? Outcome.Accepted : Outcome.Sent;
            return;
        }
        message.Outcome = task.IsCanceled ? Outcome.Refused : Outcome.Unknown;
        if (task.IsCanceled) FuzzFailure.Unless(message.MayBeCancelled, "a send is cancelled by its token alone");
        else FuzzFailure.Unless(task.Exception!.InnerException is WebSocketClosedException, "a send fails as documented");
    }

    internal enum Outcome
    {
        Unknown,
        Accepted,
        Sent,
        Refused,
    }

    internal sealed class Sent(byte[] payload)
    {
        public byte[] Payload { get; set; } = payload;

        public Outcome Outcome { get; set; }

        public bool IsStreamed { get; set; }

        public bool MayBeCancelled { get; set; }
    }
}
