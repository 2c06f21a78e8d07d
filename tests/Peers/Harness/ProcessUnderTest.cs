using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Sluice.Peers;

/// <summary>
/// A process that a test started: its output line by line, its input, signals, its exit code. Disposing it kills it
/// with its children, if it still runs; no other process is ever touched.
/// </summary>
public sealed partial class ProcessUnderTest : IAsyncDisposable
{
    /// <summary>How long a wait may last before it counts as hanging: 30 s.</summary>
    public static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    // Linux, all architectures that .NET runs on.
    private const int SigInt = 2;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private readonly Process _process;
    private readonly string _commandLine;

    private ProcessUnderTest(Process process)
    {
        _process = process;
        _commandLine = string.Join(' ', [process.StartInfo.FileName, .. process.StartInfo.ArgumentList]);
        Output = new CapturedOutput(process.StandardOutput.BaseStream, DescribeAsync);
        Error = new CapturedOutput(process.StandardError.BaseStream, DescribeAsync);
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>What it writes to stdout.</summary>
    public CapturedOutput Output { get; }

    /// <summary>What it writes to stderr.</summary>
    public CapturedOutput Error { get; }

    /// <summary>Its stdin: flushed at every write, UTF-8. <c>Input.BaseStream</c> takes bytes; closing it is EOF.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Starts <paramref name="fileName"/> with stdin, stdout and stderr in pipes.</summary>
    public static ProcessUnderTest Start(string fileName, params IEnumerable<string> arguments) =>
        Start(new ProcessStartInfo(fileName, arguments));

    /// <summary>The same, with a working directory or an environment of its own.</summary>
    public static ProcessUnderTest Start(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        start.UseShellExecute = false;
        Process process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");
        process.StandardInput.AutoFlush = true;
        return new ProcessUnderTest(process);
    }

    /// <summary>Waits until it has ended and its output is complete, and returns its exit code.</summary>
    /// <remarks>A process ended by a signal has exit code 128 + the signal's number.</remarks>
    /// <exception cref="TimeoutException">It took longer than <paramref name="timeout"/> (default 30 s).</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? timeout = null)
    {
        TimeSpan guard = timeout ?? Guard;
        using var deadline = new CancellationTokenSource(guard);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
            await Task.WhenAll(Output.Ended, Error.Ended).WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException e)
        {
            string problem = HasExited ? "ended, but something it started holds its output open" : "did not end";
            throw new TimeoutException($"the process {problem} within {guard}\n{await DescribeAsync()}", e);
        }

        return _process.ExitCode;
    }

    /// <summary>Sends SIGTERM, as a service manager does to stop it.</summary>
    public void Terminate() => Signal(SigTerm);

    /// <summary>Sends SIGINT, as Ctrl+C does.</summary>
    public void Interrupt() => Signal(SigInt);

    /// <summary>Stops it where it stands: its sockets stay open and nobody answers, as if its machine had gone.</summary>
    public void Suspend() => Signal(SigStop);

    /// <summary>Lets a suspended process go on.</summary>
    public void Resume() => Signal(SigCont);

    /// <summary>Ends it at once with SIGKILL, with its children; its sockets are closed by the system.</summary>
    public void Kill() => _process.Kill(entireProcessTree: true);

    /// <summary>Its command line, exit code and the end of what it wrote: for the message of a failed test.</summary>
    public async Task<string> DescribeAsync()
    {
        if (Output.Ended.IsCompleted) await WaitForExitBrieflyAsync();
        string state = HasExited ? $"exit code {_process.ExitCode}" : $"still running, pid {Id}";
        return $"{_commandLine} ({state})\nstdout: {Tail(Output)}\nstderr: {Tail(Error)}";
    }

    /// <summary>Kills it with its children if it still runs, and waits until it is gone.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!HasExited) Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static string Tail(CapturedOutput output)
    {
        const int Shown = 4000;
        string text = output.Text;
        return text.Length <= Shown ? text : $"… {text[^Shown..]}";
    }

    // When its output has just ended, the process is about to: a description with the exit code says more.
    private async Task WaitForExitBrieflyAsync()
    {
        using var moment = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _process.WaitForExitAsync(moment.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Signal(int number)
    {
        // An ended process' id may belong to another by now.
        if (HasExited) throw new InvalidOperationException($"{_commandLine} has ended with {_process.ExitCode} already");
        if (SendSignal(Id, number) != 0)
        {
            throw new InvalidOperationException(
                $"signal {number} to pid {Id} failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
