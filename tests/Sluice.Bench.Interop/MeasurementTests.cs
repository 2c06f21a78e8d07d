using Sluice.Bench.Machine;
using Sluice.Bench.Measuring;
using Sluice.Bench.Peers;
using Sluice.Bench.Processes;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Interop;

/// <summary>The load generator against the floor, and against our own server: that it counts, not how fast.</summary>
public sealed class MeasurementTests : IDisposable
{
    private static readonly BenchSettings Short = new()
    {
        Rounds = 2,
        Window = TimeSpan.FromMilliseconds(200),
        Settle = TimeSpan.FromMilliseconds(50),
        Calm = TimeSpan.FromMilliseconds(50),
    };

    private readonly string _directory = Directory.CreateTempSubdirectory("sluice-bench-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("echo-64-50x16", "floor", 4)] // twice as often: there is a ratio to hold
    [InlineData("echo-64-50x16", "sluice", 4)]
    [InlineData("echo-1024-50x1-text", "sluice", 2)]
    [InlineData("echo-1048576-1x1", "sluice", 2)]
    [InlineData("tls-64", "sluice", 2)]
    [InlineData("handshakes", "floor", 4)]
    [InlineData("handshakes", "sluice", 4)]
    [InlineData("fanout-1000", "floor", 4)]
    [InlineData("fanout-1000", "sluice", 4)]
    public async Task A_peer_is_measured(string scenario, string peer, int rounds)
    {
        var (run, lines) = await MeasureAsync(ScenarioCatalog.Default.First(known => known.Id == scenario), peer);
        run.Absences.ShouldBeEmpty(string.Join('\n', lines));
        run.Samples.Count.ShouldBe(rounds);
        foreach (var sample in run.Samples)
        {
            sample.Result.Count.ShouldBeGreaterThan(0);
            sample.Result.ServerCpu.ShouldBeGreaterThan(0);
            sample.Result.P999.ShouldBeGreaterThanOrEqualTo(sample.Result.P50);
            sample.ResidentBytes.ShouldBeGreaterThan(0);
        }
    }

    [Theory]
    [InlineData("floor")]
    [InlineData("sluice")]
    public async Task Idle_connections_are_opened_and_used(string peer)
    {
        var idle = ScenarioCatalog.Default.First(known => known.Kind == Kind.Idle) with { Connections = 200, MostRounds = 1 };
        var (run, lines) = await MeasureAsync(idle, peer);
        run.Absences.ShouldBeEmpty(string.Join('\n', lines));
        run.Samples.ShouldHaveSingleItem().Result.Count.ShouldBe(200);
    }

    [Fact]
    public async Task Our_proxy_is_measured_in_front_of_our_server()
    {
        var (run, lines) = await MeasureAsync(ScenarioCatalog.Default.First(known => known.Id == "proxy-64-50x16"), "sluice-proxy");
        run.Absences.ShouldBeEmpty(string.Join('\n', lines));
        run.Samples.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_server_that_does_not_start_is_told_and_the_others_are_measured()
    {
        var broken = new Peer("broken", "broken", Features.All, _ => new ServerCommand(["sh", "-c", "echo no such thing >&2; exit 3"]));
        var (run, _) = await MeasureAsync(ScenarioCatalog.Default.First(known => known.Id == "echo-64-50x1"), broken, Known("floor"));
        run.Absences.ShouldHaveSingleItem().Reason.ShouldContain("no such thing");
        run.Samples.Select(sample => sample.Peer).Distinct(StringComparer.Ordinal).ShouldBe(["floor"]);
    }

    [Fact]
    public async Task A_server_ends_with_what_it_started()
    {
        IReadOnlyList<int> ids;
        await using (var server = await Server.StartAsync(new ServerCommand(["sh", "-c", "sleep 600 & echo listening 1; wait"]), Cores.OfThisProcess().Server, CancellationToken.None))
        {
            ids = server.Ids;
            ids.Count.ShouldBeGreaterThanOrEqualTo(2);
        }

        // Killed, a process is gone when the kernel has come to it.
        foreach (var id in ids) SpinWait.SpinUntil(() => HasEnded(id), TimeSpan.FromSeconds(30)).ShouldBeTrue($"process {id} is still there");
    }

    private static bool HasEnded(int id)
    {
        try
        {
            // Killed, and perhaps not yet fetched by its parent: a zombie has ended.
            return File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static Peer Known(string id) => PeerCatalog.Servers.Concat(PeerCatalog.Proxies).First(peer => peer.Id == id) with { Warm = TimeSpan.FromMilliseconds(100) };

    private Task<(Run Run, List<string> Lines)> MeasureAsync(Scenario scenario, string peer) => MeasureAsync(scenario, Known(peer));

    private async Task<(Run Run, List<string> Lines)> MeasureAsync(Scenario scenario, params Peer[] peers)
    {
        List<string> lines = [];
        var run = new Run(Short, Cores.OfThisProcess(), Certificate.Create(_directory), _directory, lines.Add);
        await run.MeasureAsync(scenario, peers, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(3), TestContext.Current.CancellationToken);
        return (run, lines);
    }
}
