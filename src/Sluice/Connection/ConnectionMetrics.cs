using System.Diagnostics.Metrics;

namespace Sluice;

/// <summary>
/// Counts what connections do and offers it as instruments of the <see cref="Meter"/> named <c>Sluice</c>, to be
/// listened to by OpenTelemetry, <c>dotnet-counters</c> or a <see cref="MeterListener"/>. Thread-safe.
/// </summary>
public sealed class ConnectionMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Sluice";

    private readonly Meter _meter;
    private readonly Counter<long> _closed;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _violations;
    private readonly Counter<long> _accepted;
    private readonly Counter<long> _refused;
    private long _open;
    private long _opened;
    private long _messagesReceived;
    private long _bytesReceived;
    private long _messagesSent;
    private long _bytesSent;
    private long _deflatedReceived;
    private long _plainReceived;
    private long _deflatedSent;
    private long _plainSent;

    /// <summary>Counters of their own, under the same meter name.</summary>
    /// <param name="factory">Makes the meter; the container's, where there is one.</param>
    public ConnectionMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create(MeterName) ?? new Meter(MeterName);
        _meter.CreateObservableUpDownCounter("sluice.connections.open", () => Volatile.Read(ref _open), "{connection}", "Connections open now.");
        _meter.CreateObservableCounter("sluice.connections.opened", () => Volatile.Read(ref _opened), "{connection}", "Connections opened.");
        _closed = _meter.CreateCounter<long>("sluice.connections.closed", "{connection}", "Connections closed, by close code.");
        _meter.CreateObservableCounter("sluice.messages", Messages, "{message}", "Messages, by direction.");
        _meter.CreateObservableCounter("sluice.bytes", Bytes, "By", "Payload bytes of messages, by direction.");
        _meter.CreateObservableCounter(
            "sluice.compression.bytes", CompressionBytes, "By", "Payload bytes of compressed messages, by direction, plain and deflated.");
        _violations = _meter.CreateCounter<long>("sluice.violations", "{violation}", "Connections failed because the peer broke a rule or a limit, by rule.");
        _accepted = _meter.CreateCounter<long>("sluice.handshakes.accepted", "{handshake}", "Opening handshakes accepted, by HTTP version.");
        _refused = _meter.CreateCounter<long>("sluice.handshakes.refused", "{handshake}", "Opening handshakes refused, by reason.");
        _dropped = _meter.CreateCounter<long>("sluice.messages.dropped", "{message}", "Messages not sent, by reason.");
    }

    /// <summary>The counters that connections use when none are given.</summary>
    public static ConnectionMetrics Shared { get; } = new();

    /// <summary>Connections open now.</summary>
    public long OpenConnections => Volatile.Read(ref _open);

    /// <summary>Removes the instruments.</summary>
    public void Dispose() => _meter.Dispose();

    internal bool Owns(Instrument instrument) => instrument.Meter == _meter;

    internal void Opened()
    {
        Interlocked.Increment(ref _open);
        Interlocked.Increment(ref _opened);
    }

    internal void Closed(CloseCode code)
    {
        Interlocked.Decrement(ref _open);
        // Codes of private use are one value, so that a peer can't make series without end.
        var value = (int)code < 3000 ? (int)code : (int)code < 4000 ? 3000 : 4000;
        _closed.Add(1, new KeyValuePair<string, object?>("code", value));
    }

    /// <summary>Counts a message that was not sent because its receiver could not take it.</summary>
    /// <param name="reason">Why, as one of a few fixed words.</param>
    public void Dropped(string reason) => _dropped.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <summary>Counts an opening handshake that was accepted.</summary>
    /// <param name="version">The HTTP version: <c>1.1</c>, <c>2</c> or <c>3</c>.</param>
    public void Accepted(string version)
    {
        try
        {
            _accepted.Add(1, new KeyValuePair<string, object?>("http", version));
        }
        catch
        {
            // A listener's fault must not cost the connection that was accepted.
        }
    }

    /// <summary>Counts an opening handshake that was refused.</summary>
    /// <param name="reason">Why, as one of a few fixed words: the name of a <see cref="Handshake.RefusalReason"/>.</param>
    public void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    // The rules are few, and their words fixed. A listener's fault must not keep the connection from being failed.
    internal void Violated(Protocol.ProtocolViolation violation)
    {
        try
        {
            _violations.Add(1, new KeyValuePair<string, object?>("rule", violation.Message));
        }
        catch
        {
            // The listener's own.
        }
    }

    internal void Received(long messages, long bytes)
    {
        Interlocked.Add(ref _messagesReceived, messages);
        Interlocked.Add(ref _bytesReceived, bytes);
    }

    internal void Sent(long messages, long bytes)
    {
        Interlocked.Add(ref _messagesSent, messages);
        Interlocked.Add(ref _bytesSent, bytes);
    }

    internal void Inflated(long deflated, long plain)
    {
        Interlocked.Add(ref _deflatedReceived, deflated);
        Interlocked.Add(ref _plainReceived, plain);
    }

    internal void Deflated(long plain, long deflated)
    {
        Interlocked.Add(ref _plainSent, plain);
        Interlocked.Add(ref _deflatedSent, deflated);
    }

    private static Measurement<long> Formed(long value, string direction, string form)
        => new(value, new KeyValuePair<string, object?>("direction", direction), new KeyValuePair<string, object?>("form", form));

    private static Measurement<long> Directed(long value, string direction) => new(value, new KeyValuePair<string, object?>("direction", direction));

    private Measurement<long>[] Messages()
        => [Directed(Volatile.Read(ref _messagesReceived), "received"), Directed(Volatile.Read(ref _messagesSent), "sent")];

    private Measurement<long>[] Bytes()
        => [Directed(Volatile.Read(ref _bytesReceived), "received"), Directed(Volatile.Read(ref _bytesSent), "sent")];

    private Measurement<long>[] CompressionBytes() =>
    [
        Formed(Volatile.Read(ref _plainReceived), "received", "plain"),
        Formed(Volatile.Read(ref _deflatedReceived), "received", "deflated"),
        Formed(Volatile.Read(ref _plainSent), "sent", "plain"),
        Formed(Volatile.Read(ref _deflatedSent), "sent", "deflated"),
    ];
}
