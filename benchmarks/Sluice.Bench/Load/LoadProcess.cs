using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench.Load;

/// <summary>One run of the load generator, pinned to the load's core.</summary>
internal sealed class LoadProcess : IDisposable
{
    private static readonly TimeSpan LineLimit = TimeSpan.FromSeconds(200);

    private readonly Process _process;
    private readonly Task<string> _error;

    private LoadProcess(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    public static LoadProcess Start(int core, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("taskset") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] words = ["--cpu-list", core.ToString(CultureInfo.InvariantCulture), RepositoryPaths.Built("load"), .. arguments];
        foreach (var word in words) start.ArgumentList.Add(word);
        return new LoadProcess(Process.Start(start) ?? throw new BenchException("the load generator did not start"));
    }

    /// <summary>Runs a mode that tells one result.</summary>
    public static async Task<LoadResult> RunAsync(int core, IEnumerable<string> arguments, Action? atResult, CancellationToken cancellation)
    {
        using var load = Start(core, arguments);
        var result = await load.ReadAsync(cancellation);
        atResult?.Invoke();
        await load.EndAsync(cancellation);
        return result;
    }

    /// <exception cref="BenchException">It failed; the message says with what.</exception>
    public async Task<LoadResult> ReadAsync(CancellationToken cancellation)
    {
        if (await _process.StandardOutput.ReadLineAsync(cancellation).AsTask().WaitAsync(LineLimit, cancellation) is { } line)
            return LoadResult.Parse(line);
        throw new BenchException((await _error.WaitAsync(LineLimit, cancellation)).Trim());
    }

    public Task WriteAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    /// <summary>Ends a mode that waits for its stdin, and waits for the end of any.</summary>
    public async Task EndAsync(CancellationToken cancellation)
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(cancellation).WaitAsync(LineLimit, cancellation);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
