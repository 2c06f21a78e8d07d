namespace Sluice.Peers;

/// <summary>
/// A WebSocket implementation of somebody else to test against, as server and as client.
/// <c>tests/Peers/README.md</c> lists what the programs behind it do.
/// </summary>
public sealed class Peer
{
    // The clients give up after 60 s and say so; waiting longer lets that message through.
    private static readonly TimeSpan ClientGuard = TimeSpan.FromSeconds(90);

    private readonly HashSet<string> _impossible;

    private Peer(string name, params IEnumerable<string> impossible)
    {
        Name = name;
        _impossible = new HashSet<string>(impossible, StringComparer.Ordinal);
    }

    /// <summary>Node's <c>ws</c>.</summary>
    public static Peer NodeWs { get; } = new("node-ws");

    /// <summary>Python's <c>websockets</c>.</summary>
    public static Peer PythonWebSockets { get; } = new("python-websockets");

    /// <summary>Go's <c>gorilla/websocket</c>.</summary>
    public static Peer Gorilla { get; } = new("gorilla");

    /// <summary>.NET: ASP.NET Core's server and <c>ClientWebSocket</c>, which sends no ping by hand.</summary>
    public static Peer DotNet { get; } = new("dotnet", "ping");

    /// <summary>Every peer.</summary>
    public static IReadOnlyList<Peer> All { get; } = [NodeWs, PythonWebSockets, Gorilla, DotNet];

    /// <summary>Its name on the command line and in test names.</summary>
    public string Name { get; }

    /// <summary>The peer called <paramref name="name"/>.</summary>
    public static Peer Named(string name) =>
        All.FirstOrDefault(peer => peer.Name == name)
        ?? throw new ArgumentException($"no peer is called '{name}', only {string.Join(", ", All)}", nameof(name));

    /// <summary>Whether its client can play <paramref name="scenario"/>; a matrix of tests leaves the others out.</summary>
    public bool CanPlay(string scenario) => !_impossible.Contains(scenario.Split(' ')[0]);

    /// <summary>
    /// Starts its echo server on a free port of 127.0.0.1, with <paramref name="subprotocols"/> in order of preference.
    /// </summary>
    public Task<PeerServer> StartServerAsync(params IEnumerable<string> subprotocols)
        => StartServerAsync([.. subprotocols.SelectMany(name => (string[])["--subprotocol", name])], deflate: null);

    /// <summary>Starts its echo server with permessage-deflate, as <paramref name="parameters"/> have it
    /// (<c>server_no_context_takeover,client_max_window_bits=10</c>). Not of gorilla and dotnet.</summary>
    public Task<PeerServer> StartCompressingServerAsync(string parameters) => StartServerAsync([], parameters);

    private async Task<PeerServer> StartServerAsync(string[] options, string? deflate)
    {
        ProcessUnderTest process = Start(["server", .. options, .. deflate is null ? (string[])[] : ["--deflate", deflate]]);
        try
        {
            const string Ready = "listening ";
            string line = await process.Output.WaitForLineAsync(line => line.StartsWith(Ready, StringComparison.Ordinal));
            return new PeerServer(process, int.Parse(line.AsSpan(Ready.Length)));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Runs its client against <paramref name="url"/>: <c>echo</c>, <c>fragments</c>, <c>ping</c>, <c>close</c>,
    /// <c>subprotocol NAME</c> or <c>burst</c>; options are <c>--origin O</c>, <c>--header 'Name: value'</c> and
    /// <c>--deflate PARAMETERS</c> (not of gorilla and dotnet).
    /// </summary>
    public async Task<PeerResult> RunClientAsync(Uri url, string scenario, params IEnumerable<string> options)
    {
        await using ProcessUnderTest process = Start(["client", url.AbsoluteUri, .. scenario.Split(' '), .. options]);
        int exitCode = await process.WaitForExitAsync(ClientGuard);
        return new PeerResult(exitCode, process.Output.Text, process.Error.Text);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private ProcessUnderTest Start(IEnumerable<string> arguments) =>
        ProcessUnderTest.Start(RepositoryRoot.Combine("tests", "Peers", "peer"), [Name, .. arguments]);
}
