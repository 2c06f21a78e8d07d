using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Bench.Processes;

/// <summary>A server that this run started, pinned to a core. Disposing it ends it and what it started, by their ids.</summary>
/// <remarks>It runs below <c>guard</c>, which ends it when this process is gone, however that came about.</remarks>
internal sealed class Server : IAsyncDisposable
{
    private const int LinesKept = 20;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(2);

    private readonly Process _guard;
    private readonly Queue<string> _output = new();
    private readonly TaskCompletionSource<int> _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Task _reading;

    private Server(Process guard)
    {
        _guard = guard;
        _reading = Task.WhenAll(ReadAsync(guard.StandardOutput), ReadAsync(guard.StandardError));
    }

    public int Port { get; private set; }

    /// <summary>The server's processes as they are now, without the guard.</summary>
    public IReadOnlyList<int> Ids => ProcessTree.Below(_guard.Id);

    public long ResidentBytes => ProcessTree.ResidentBytes(Ids);

    /// <summary>Starts it and waits until it takes connections.</summary>
    /// <exception cref="BenchException">It did not start.</exception>
    public static async Task<Server> StartAsync(ServerCommand command, int core, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(RepositoryPaths.Built("guard"))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] words = ["taskset", "--cpu-list", core.ToString(CultureInfo.InvariantCulture), .. command.Words];
        foreach (var word in words) start.ArgumentList.Add(word);
        foreach (var (name, value) in command.Environment) start.Environment[name] = value;
        var server = new Server(Process.Start(start) ?? throw new BenchException("guard did not start"));
        try
        {
            _ = server._guard.WaitForExitAsync(cancellation).ContinueWith(
                _ => server._announced.TrySetException(new BenchException("it ended")), cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
            server.Port = command.Port is { } port
                ? await AnswersAsync(port, server._announced.Task, cancellation)
                : await server._announced.Task.WaitAsync(StartLimit, cancellation);
            return server;
        }
        catch (Exception e)
        {
            await server.DisposeAsync();
            if (e is OperationCanceledException) throw;
            throw new BenchException($"'{string.Join(' ', command.Words)}' did not start: {e.Message}\n{server.Output}", e);
        }
    }

    /// <summary>The last lines that it wrote.</summary>
    public string Output
    {
        get
        {
            lock (_output) return string.Join('\n', _output);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_guard.HasExited)
        {
            var ids = Ids;
            _guard.StandardInput.Close();
            try
            {
                await _guard.WaitForExitAsync(CancellationToken.None).WaitAsync(StopLimit, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                _guard.Kill(entireProcessTree: true);
            }

            // A child of the server that outlived it, like a worker of a killed master.
            foreach (var id in ids.Where(id => Directory.Exists($"/proc/{id}"))) EndById(id);
        }

        // What it wrote last may still be in the pipes; a grandchild that nobody knows of may hold them open.
        await _reading.WaitAsync(ReadLimit, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _guard.Dispose();
    }

    private static void EndById(int id)
    {
        try
        {
            using var left = Process.GetProcessById(id);
            left.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    private static async Task<int> AnswersAsync(int port, Task<int> ended, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartLimit);
        while (!ended.IsFaulted)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), limit.Token);
                return port;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token);
            }
        }

        return await ended;
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            if (ListeningLine.TryParse(line, out var port)) _announced.TrySetResult(port);
            lock (_output)
            {
                _output.Enqueue(line);
                if (_output.Count > LinesKept) _output.Dequeue();
            }
        }
    }
}
