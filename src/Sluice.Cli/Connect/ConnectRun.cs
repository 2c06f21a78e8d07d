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
        await using var closing = output.ConfigureAwait(false);
        using var run = new ConnectRun(settings, output, time);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, run.OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, run.OnSignal);
        return settings.Repeat is { } count ? await run.RepeatAsync(count).ConfigureAwait(false) : await run.ConnectAsync().ConfigureAwait(false);
    }

    public void Dispose() => _signalled.Dispose();

    // However one connection ends, the next is made: with a server that breaks the protocol on purpose, that is the point.
    private async Task<int> RepeatAsync(int count)
    {
        var exitCode = ExitCode.Success;
        for (var made = 0; made < count && !_signalled.IsCancellationRequested && !_output.Broken.IsCancellationRequested; made++)
        {
            if (await ConnectAsync().ConfigureAwait(false) == ExitCode.NotConnected) exitCode = ExitCode.NotConnected;
        }
        return exitCode;
    }

    private async Task<int> ConnectAsync()
    {
        try
        {
            _connection = await WebSocketClient.ConnectAsync(_settings.Url, _settings.Client, _signalled.Token).ConfigureAwait(false);
        }
        catch (HandshakeException e)
        {
            _report.NotConnected(e);
            return ExitCode.NotConnected;
        }
        catch (OperationCanceledException)
        {
            _report.Failed("stopped before the connection was open");
            return ExitCode.NotConnected;
        }
        var conversation = new Conversation(_settings, _report, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(_signalled.Token, _output.Broken);
        var result = await conversation.RunAsync(_connection, CreateSource(), stop.Token).ConfigureAwait(false);
        if (conversation.InputError is { } error)
        {
            _report.Failed(error);
            return ExitCode.Usage;
        }
        return IsNormal(result) ? ExitCode.Success : ExitCode.Failure;
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
