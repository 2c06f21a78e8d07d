using System.Runtime.InteropServices;

namespace Sluice.Cli.Connect;

/// <summary>A run of <c>sluice connect</c>: dials, converses, and says with which exit code to end.</summary>
internal sealed class ConnectRun : IDisposable
{
    private static readonly TimeSpan SameRequest = TimeSpan.FromMilliseconds(300);

    private readonly ConnectSettings _settings;
    private readonly TimeProvider _time;
    private readonly StandardOutput _output;
    private readonly IReport _report;
    private readonly CancellationTokenSource _signalled = new();
    private long _signalledAt;
    private WebSocketConnection? _connection;
    private IMessageSource? _source; // goes on over the next connection
    private CloseResult? _lastResult;
    private HandshakeException? _lastFailure;
    private int _received;

    private ConnectRun(ConnectSettings settings, StandardOutput output, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        _output = output;
        _report = settings.Json
            ? new JsonReport(output, settings.ShownUrl, time)
            : new PlainReport(output, settings.ShownUrl, isTerminal: !Console.IsOutputRedirected, showsMessages: !settings.Echo);
    }

    public static async Task<int> RunAsync(ConnectSettings settings, TimeProvider time)
    {
        var output = StandardOutput.Open();
        int code;
        await using (output.ConfigureAwait(false))
        {
            using var run = new ConnectRun(settings, output, time);
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, run.OnSignal);
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, run.OnSignal);
            using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, run.OnSignal);
            code = settings.Repeat is { } count ? await run.RepeatAsync(count).ConfigureAwait(false)
                : settings.Reconnect is { } reconnect ? await run.ReconnectAsync(reconnect).ConfigureAwait(false)
                : await run.ConnectAsync().ConfigureAwait(false);
        }
        if (output.Error is not { } error) return code; // known only now that all is written
        ErrorLines.Write(error);
        return code == ExitCode.Success ? ExitCode.Failure : code;
    }

    public void Dispose() => _signalled.Dispose();

    // However one connection ends, the next is made: with a server that breaks the protocol on purpose, that is the point.
    private async Task<int> RepeatAsync(int count)
    {
        var exitCode = ExitCode.Success;
        for (var made = 0; made < count; made++)
        {
            if (IsStopped)
            {
                _report.Failed($"stopped after {made} of {count} connections");
                return ExitCode.NotConnected;
            }
            if (await ConnectAsync().ConfigureAwait(false) == ExitCode.NotConnected) exitCode = ExitCode.NotConnected;
        }
        return exitCode;
    }

    private async Task<int> ReconnectAsync(ReconnectOptions options)
    {
        var schedule = new ReconnectSchedule(options, _time);
        while (true)
        {
            var code = await ConnectAsync(schedule.Connected).ConfigureAwait(false);
            if (IsStopped || code == ExitCode.Usage || IsComplete) return code;
            var next = _lastResult is { } result ? schedule.Next(result) : schedule.Next(_lastFailure!);
            if (next is null) return code;
            _report.Reconnecting(next);
            try
            {
                await Task.Delay(next.Delay, _time, _signalled.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return StoppedBefore();
            }
        }
    }

    private bool IsStopped => _signalled.IsCancellationRequested || _output.Broken.IsCancellationRequested;

    private bool IsComplete => _settings.CloseAfter is { } most && _received >= most;

    private int StoppedBefore()
    {
        _report.Failed("stopped before the connection was open");
        return ExitCode.NotConnected;
    }

    private async Task<int> ConnectAsync(Action? onConnected = null)
    {
        (_lastResult, _lastFailure) = (null, null);
        try
        {
            _connection = await WebSocketClient.ConnectAsync(_settings.Url, _settings.Client, _signalled.Token).ConfigureAwait(false);
        }
        catch (HandshakeException e)
        {
            _lastFailure = e;
            _report.NotConnected(e);
            return ExitCode.NotConnected;
        }
        catch (OperationCanceledException)
        {
            return StoppedBefore();
        }
        onConnected?.Invoke();
        var conversation = new Conversation(_settings with { CloseAfter = _settings.CloseAfter - _received }, _report, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_signalled.Token, _output.Broken);
        _lastResult = await conversation.RunAsync(_connection, _source ??= CreateSource(), stop.Token).ConfigureAwait(false);
        if (_settings.Reconnect is not null) _received += conversation.Received;
        if (conversation.InputError is { } error)
        {
            _report.Failed(error);
            return ExitCode.Usage;
        }
        return IsNormal(_lastResult) ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool IsNormal(CloseResult result)
        => result.WasClean && result.Is(CloseCode.NormalClosure, CloseCode.GoingAway, CloseCode.NoStatusReceived);

    private IMessageSource? CreateSource()
    {
        if (_settings.Echo) return null;
        return _settings.Every is { } every
            ? new TimedMessages(every, _settings.Type, _settings.Message, _settings.Count, _time)
            : new InputLines(StandardInput.Open(), _settings.Type, _settings.Client.Connection.MaxMessageSize);
    }

    // The first signal closes the connection and waits for the peer; one more does not wait. Some tools send one request
    // twice (timeout signals its child, then the child's group).
    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_signalled.IsCancellationRequested)
        {
            _signalledAt = _time.GetTimestamp();
            _signalled.Cancel();
        }
        else if (_time.GetElapsedTime(_signalledAt) > SameRequest)
        {
            _connection?.Abort();
        }
    }
}
