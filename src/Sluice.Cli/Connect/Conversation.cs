using System.Text;

namespace Sluice.Cli.Connect;

/// <summary>
/// One connection from its opening to its end: sends what the source gives, tells what comes, and closes when the
/// command line, the source's end, a signal or a broken stdout says so.
/// </summary>
internal sealed class Conversation(ConnectSettings settings, IReport report, TimeProvider time) : IWebSocketHandler
{
    private readonly CancellationTokenSource _ended = new();
    private int _received;
    private long _sent;
    private volatile bool _isSending;
    private long _lastReceived;
    private TimeSpan? _lastRoundTrip;

    /// <summary>What could not be sent, in words; <see langword="null"/> when all was.</summary>
    public string? InputError { get; private set; }

    /// <summary>How many messages came.</summary>
    public int Received => _received;

    /// <param name="connection">The connection; released at the end.</param>
    /// <param name="source">What to send; <see langword="null"/> for nothing.</param>
    /// <param name="stop">Cancelled when the connection is to be closed.</param>
    public async Task<CloseResult> RunAsync(WebSocketConnection connection, IMessageSource? source, CancellationToken stop)
    {
        report.Connected(connection);
        var running = connection.RunAsync(this);
        if (settings.Json) _ = MeasureAsync(connection); // not before, or its pong might come while nobody is told
        var feeding = FeedAsync(connection, source);
        CloseResult result;
        using (stop.UnsafeRegister(static connection => _ = ((WebSocketConnection)connection!).CloseAsync(), connection))
        {
            result = await running.ConfigureAwait(false);
        }
        await _ended.CancelAsync().ConfigureAwait(false);
        await feeding.ConfigureAwait(false);
        _ended.Dispose();
        report.Closed(result, connection.RoundTripTime);
        if (settings.Reconnect is not null && !result.WasClean && (_sent > 0 || _isSending)) report.InDoubt(_sent, _isSending);
        return result;
    }

    public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
    {
        if (_received == settings.CloseAfter) return default; // came before the answer to our close frame
        _received++;
        Volatile.Write(ref _lastReceived, time.GetTimestamp());
        var isLast = _received == settings.CloseAfter;
        if (settings is { Echo: true, Json: false } && !isLast) return EchoAsync(connection, type, payload);
        return HandleAsync(connection, type, payload, isLast);
    }

    public void OnPing(WebSocketConnection connection, ReadOnlySpan<byte> payload) => report.Ping(payload.Length);

    public void OnPong(WebSocketConnection connection, ReadOnlySpan<byte> payload)
    {
        // The connection measures anew for each pong that answers a ping of ours.
        var roundTrip = connection.RoundTripTime;
        report.Pong(payload.Length, roundTrip == _lastRoundTrip ? null : roundTrip);
        _lastRoundTrip = roundTrip;
    }

    private async ValueTask HandleAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload, bool isLast)
    {
        await report.ReceivedAsync(type, payload).ConfigureAwait(false);
        if (settings.Echo)
        {
            await EchoAsync(connection, type, payload).ConfigureAwait(false);
            report.Sent(type, payload.Length);
        }
        if (isLast) _ = connection.CloseAsync();
    }

    // The payload goes from the receive buffer to the send buffer; nothing is sent once the connection is closing.
    private static ValueTask EchoAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
    {
        if (connection.State != ConnectionState.Open) return default;
        var sending = connection.SendAsync(type, payload);
        return sending.IsCompletedSuccessfully ? sending : UnlessClosedAsync(sending);
    }

    private static async ValueTask UnlessClosedAsync(ValueTask sending)
    {
        try
        {
            await sending.ConfigureAwait(false);
        }
        catch (WebSocketClosedException)
        {
            // The connection's result tells how it ended.
        }
    }

    private async Task FeedAsync(WebSocketConnection connection, IMessageSource? source)
    {
        try
        {
            foreach (var message in settings.First) await SendAsync(settings.Type, Encoding.UTF8.GetBytes(message)).ConfigureAwait(false);
            if (source is null) return;
            await source.SendAllAsync(SendAsync, _ended.Token).ConfigureAwait(false);
            await WaitForQuietAsync().ConfigureAwait(false);
        }
        catch (WebSocketClosedException)
        {
            return;
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (e is InputException or IOException)
        {
            InputError = e.Message;
        }
        _ = connection.CloseAsync();

        async ValueTask SendAsync(MessageType type, ReadOnlyMemory<byte> payload)
        {
            _isSending = true; // and stays so, when the connection ends meanwhile
            try
            {
                await connection.SendAsync(type, payload, _ended.Token).ConfigureAwait(false);
                _isSending = false;
            }
            catch (OperationCanceledException)
            {
                _isSending = false;
                throw;
            }
            _sent++;
            report.Sent(type, payload.Length);
        }
    }

    // Until nothing has come for the given time, counted from now.
    private async Task WaitForQuietAsync()
    {
        if (settings.Linger == Timeout.InfiniteTimeSpan) await Task.Delay(Timeout.InfiniteTimeSpan, _ended.Token).ConfigureAwait(false);
        var start = time.GetTimestamp();
        while (true)
        {
            var rest = settings.Linger - time.GetElapsedTime(Math.Max(start, Volatile.Read(ref _lastReceived)));
            if (rest <= TimeSpan.Zero) return;
            await Task.Delay(rest, time, _ended.Token).ConfigureAwait(false);
        }
    }

    private static async Task MeasureAsync(WebSocketConnection connection)
    {
        try
        {
            await connection.PingAsync().ConfigureAwait(false);
        }
        catch (WebSocketClosedException)
        {
            // Too short a connection to measure.
        }
    }
}
