using Sluice.Peers;

[assembly: AssemblyFixture(typeof(Sluice.Browser.PageServer))]

namespace Sluice.Browser;

/// <summary>
/// <c>sluice serve</c> in a process of its own, on a free port of 127.0.0.1. One serves all tests; a test that kills
/// it starts its own.
/// </summary>
public sealed class PageServer : IAsyncLifetime
{
    /// <summary>The server's default limit; a longer message is answered with close 1009.</summary>
    internal const int MaxMessage = 1024 * 1024;

    private const string Ready = "listening on ";

    // Built by the same build, so in the same configuration: bin/Release/net10.0 here and there.
    private static readonly string Program = RepositoryRoot.Combine(
        "src", "Sluice.Cli", Path.GetRelativePath(RepositoryRoot.Combine("tests", "Sluice.Browser"), AppContext.BaseDirectory), "Sluice.Cli.dll");

    private ProcessUnderTest? _process;

    internal Uri Url { get; private set; } = null!;

    public ValueTask InitializeAsync() => new(StartAsync("--subprotocol", "json", "--subprotocol", "chat"));

    /// <summary>Starts it with options of its own.</summary>
    internal Task StartAsync(params string[] options) => ListenAsync("http://127.0.0.1:0", options);

    /// <summary>Starts it with TLS, and so with HTTP/2.</summary>
    internal Task StartSecureAsync(params string[] options) => ListenAsync("https://127.0.0.1:0", ["--tls", .. options]);

    private async Task ListenAsync(string address, string[] options)
    {
        _process = ProcessUnderTest.Start("dotnet", [Program, "serve", "--listen", address, .. options]);
        var line = await _process.Error.WaitForLineAsync(line => line.StartsWith(Ready, StringComparison.Ordinal));
        Url = new Uri(line[Ready.Length..]);
    }

    /// <summary>Waits for a line of its log.</summary>
    internal Task<string> LogsAsync(string words)
        => _process!.Error.WaitForLineAsync(line => line.Contains(words, StringComparison.Ordinal));

    /// <summary>The <c>ws:</c> URL of a path, as the page shows it.</summary>
    internal string SocketUrl(string path) => $"{(Url.Scheme == "https" ? "wss" : "ws")}://{Url.Authority}{path}";

    /// <summary>Ends the process, and so every connection without a closing handshake.</summary>
    internal void Kill() => _process!.Kill();

    /// <summary>Asks the process to stop: it closes every connection first.</summary>
    internal void Terminate() => _process!.Terminate();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
    }
}
