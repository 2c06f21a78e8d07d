using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Reference;

namespace Sluice.Fuzz.Targets.Connections;

/// <summary>A handler that does what a byte of the input says: returns at once, later, throws, closes, or answers.</summary>
internal sealed class RecordingHandler(byte kind, Facts facts, List<(ReferenceMessage Message, bool IsWhole)> received) : IWebSocketHandler
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _held;
    private bool _letGo;
    private bool _threw;

    public int Closes { get; private set; }

    /// <summary>A rule that was broken inside a callback.</summary>
    public string? Broken { get; private set; }

    public int Pings { get; private set; }

    public ValueTask OnOpenAsync(WebSocketConnection connection)
    {
        if ((kind & 7) == 7) Throw();
        return default;
    }

    public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
    {
        Check(Closes == 0, "no message comes behind OnClose");
        Check(!_threw, "no message comes to a handler that has failed");
        var before = payload.ToArray();
        received.Add((new(type == MessageType.Text, before), true));
        switch (kind & 7)
        {
            case 1:
                return HoldAsync(payload, before);
            case 2 when received.Count % 3 == 2:
                Throw();
                return default;
            case 3 when received.Count % 3 == 2:
                facts.ClosedHere = true;
                _ = connection.CloseAsync(CloseCode.NormalClosure, "enough");
                return default;
            case 4:
                return AbortAsync(connection);
            default:
                return default;
        }
    }

    public void OnPing(WebSocketConnection connection, ReadOnlySpan<byte> payload)
    {
        Check(payload.Length <= 125, "a ping has at most 125 bytes");
        Pings++;
    }

    public void OnClose(WebSocketConnection connection, CloseResult result) => Closes++;

    public void Release()
    {
        TaskCompletionSource? held;
        lock (_gate) (held, _held) = (_held, null);
        held?.SetResult();
    }

    public void ReleaseForGood()
    {
        lock (_gate) _letGo = true;
        Release();
    }

    // Lent memory stays as it is until the handler is done.
    private async ValueTask HoldAsync(ReadOnlyMemory<byte> payload, byte[] before)
    {
        Task held;
        lock (_gate)
        {
            if (_letGo) return;
            _held = new TaskCompletionSource();
            held = _held.Task;
        }
        await held.ConfigureAwait(false);
        Check(payload.Span.SequenceEqual(before), "what is lent to a handler stays as it is");
    }

    private ValueTask AbortAsync(WebSocketConnection connection)
    {
        if (received.Count % 4 != 3) return default;
        facts.Aborted = true;
        connection.Abort();
        return default;
    }

    // Not thrown: the connection would take it for the handler's own failure.
    private void Check(bool holds, string rule)
    {
        if (!holds) Broken ??= rule;
    }

    private void Throw()
    {
        facts.HandlerThrew = true;
        _threw = true;
        throw new Fault();
    }

    internal sealed class Fault : Exception
    {
        public Fault()
            : base("a handler of the fuzzer threw on purpose")
        {
        }
    }
}
