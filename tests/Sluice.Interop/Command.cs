using Sluice.Peers;

namespace Sluice.Interop;

/// <summary>The command <c>sluice</c> as a process that listens on a free port.</summary>
internal sealed class Command(ProcessUnderTest process, Uri address) : IAsyncDisposable
{
    private const string Ready = "listening on ";

    public Uri Address { get; } = address;

    public static async Task<Command> StartAsync(params IEnumerable<string> arguments)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        var program = RepositoryRoot.Combine("src", "Sluice.Cli", "bin", configuration, "net10.0", "Sluice.Cli.dll");
        var process = ProcessUnderTest.Start("dotnet", [program, .. arguments]);
        var line = await process.Error.WaitForLineAsync(line => line.StartsWith(Ready, StringComparison.Ordinal));
        return new Command(process, new Uri(line[Ready.Length..]));
    }

    public static Task<Command> ServeAsync(params IEnumerable<string> options)
        => StartAsync(["serve", "--listen", "http://127.0.0.1:0", .. options]);

    public static Task<Command> ProxyAsync(Uri backend)
        => StartAsync("proxy", "--listen", "http://127.0.0.1:0", "--to", backend.AbsoluteUri);

    public Uri WebSocketUrl(string path) => new($"ws://{Address.Authority}{path}");

    public Uri HttpUrl(string path) => new($"http://{Address.Authority}{path}");

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
