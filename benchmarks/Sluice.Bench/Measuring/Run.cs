using System.Globalization;
using Sluice.Bench.Load;
using Sluice.Bench.Machine;
using Sluice.Bench.Peers;
using Sluice.Bench.Processes;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Measuring;

/// <summary>Measures scenario after scenario: all the peers are started and warmed up, then measured by turns, round after round.</summary>
internal sealed class Run(BenchSettings settings, Cores cores, Certificate certificate, string directory, Action<string> report)
{
    private const int WarmingTurns = 5;

    public List<Sample> Samples { get; } = [];

    public List<Absence> Absences { get; } = [];

    public async Task MeasureAsync(Scenario scenario, IReadOnlyList<Peer> peers, CancellationToken cancellation)
    {
        report(scenario.Title);
        await using var backend = scenario.IsProxied ? await StartAsync(PeerCatalog.Backend, scenario, 0, cores.Load, cancellation) : null;
        List<Peer> able = [];
        foreach (var peer in peers.Where(peer => (peer.Features & (Features.Proxy | Features.Echo)) == (scenario.IsProxied ? Features.Proxy : Features.Echo)))
        {
            if (peer.Features.HasFlag(scenario.Needs)) able.Add(peer);
            else if (!peer.IsFloor) Absences.Add(new Absence(scenario.Id, peer.Id, peer.Without));
        }

        if (scenario.Kind is Kind.Idle or Kind.Capacity) await MeasureAloneAsync(scenario, able, backend, cancellation);
        else await MeasureByTurnsAsync(scenario, able, backend, cancellation);
    }

    private async Task MeasureByTurnsAsync(Scenario scenario, IReadOnlyList<Peer> peers, Server? backend, CancellationToken cancellation)
    {
        Dictionary<Peer, Server> servers = [];
        try
        {
            foreach (var peer in peers)
            {
                await TryAsync(scenario, peer, async () =>
                {
                    if (servers.Remove(peer, out var failed)) await failed.DisposeAsync();
                    servers[peer] = await StartAsync(peer, scenario, backend?.Port ?? 0, cores.Server, cancellation);
                    await WarmAsync(scenario with { Idle = 0 }, peer, servers[peer], backend, peer.Warm, cancellation);
                });
            }

            for (var round = 1; round <= settings.RoundsOf(scenario); round++)
            {
                foreach (var (peer, server) in servers)
                {
                    if (Absences.Exists(absence => absence.Scenario == scenario.Id && absence.Peer == peer.Id)) continue;
                    await TryAsync(scenario, peer, async () =>
                    {
                        long resident = 0;
                        var result = await LoadProcess.RunAsync(
                            cores.Load, Arguments(scenario, peer, server, backend, settings.Settle, settings.Window), () => resident = server.ResidentBytes, cancellation);
                        Add(new Sample(scenario.Id, peer.Id, round, result) { ResidentBytes = resident });
                    });
                }
            }
        }
        finally
        {
            await Task.WhenAll(servers.Values.Select(server => server.DisposeAsync().AsTask()));
        }
    }

    // Where memory is measured, or a server is driven to its end, each time a new one.
    private async Task MeasureAloneAsync(Scenario scenario, IReadOnlyList<Peer> peers, Server? backend, CancellationToken cancellation)
    {
        for (var round = 1; round <= settings.RoundsOf(scenario); round++)
        {
            foreach (var peer in peers)
            {
                var number = round;
                await TryAsync(scenario, peer, async () =>
                {
                    await using var server = await StartAsync(peer, scenario, backend?.Port ?? 0, cores.Server, cancellation);
                    var warm = new Scenario("", "", scenario.Kind == Kind.Idle ? Kind.Handshakes : Kind.Fanout, "") { Connections = 100 };
                    // Briefly before idle connections: the garbage of very many handshakes would be room for their memory.
                    if (scenario.Kind == Kind.Idle) await LoadBrieflyAsync(warm, peer, server, backend, settings.Settle, cancellation);
                    else await WarmAsync(warm, peer, server, backend, peer.Warm, cancellation);
                    if (scenario.Kind == Kind.Idle)
                    {
                        Add(await IdleAsync(scenario, peer, number, server, backend, cancellation));
                        return;
                    }
                    var arguments = Arguments(scenario, peer, server, backend, settings.Settle, settings.Window);
                    Add(new Sample(scenario.Id, peer.Id, number, await LoadProcess.RunAsync(cores.Load, arguments, null, cancellation)));
                });
            }
        }
    }

    private async Task<Sample> IdleAsync(
        Scenario scenario, Peer peer, int round, Server server, Server? backend, CancellationToken cancellation)
    {
        using var first = LoadProcess.Start(cores.Load, Arguments(scenario with { Connections = scenario.Before }, peer, server, backend, settings.Settle, settings.Window));
        await first.ReadAsync(cancellation);
        await Task.Delay(settings.Calm, cancellation);
        var before = server.ResidentBytes;
        using var load = LoadProcess.Start(cores.Load, Arguments(scenario, peer, server, backend, settings.Settle, settings.Window));
        var opened = await load.ReadAsync(cancellation);
        await Task.Delay(settings.Calm, cancellation);
        var idle = server.ResidentBytes - before;
        await load.WriteAsync("message");
        await load.ReadAsync(cancellation);
        await Task.Delay(settings.Calm, cancellation);
        var used = server.ResidentBytes - before;
        await load.WriteAsync("end");
        await load.EndAsync(cancellation);
        await first.EndAsync(cancellation);
        return new Sample(scenario.Id, peer.Id, round, opened) { ResidentBytes = idle, UsedBytes = used };
    }

    // By turns, as it will be measured: what only the opening and closing of connections runs through is compiled after some tens of
    // calls, and else that would be in the middle of the first measurements.
    private async Task WarmAsync(Scenario scenario, Peer peer, Server server, Server? backend, TimeSpan time, CancellationToken cancellation)
    {
        for (var turn = 0; turn < WarmingTurns; turn++) await LoadBrieflyAsync(scenario, peer, server, backend, time / WarmingTurns, cancellation);
    }

    private Task<LoadResult> LoadBrieflyAsync(Scenario scenario, Peer peer, Server server, Server? backend, TimeSpan time, CancellationToken cancellation)
        => LoadProcess.RunAsync(cores.Load, Arguments(scenario, peer, server, backend, time, TimeSpan.FromMilliseconds(50)), null, cancellation);

    private Task<Server> StartAsync(Peer peer, Scenario scenario, int backend, int core, CancellationToken cancellation) =>
        Server.StartAsync(peer.Start(new StartContext(scenario.Variant, certificate, directory, backend)), core, cancellation);

    private static IEnumerable<string> Arguments(Scenario scenario, Peer peer, Server server, Server? backend, TimeSpan warm, TimeSpan window) =>
    [
        .. scenario.Arguments(),
        "--port", Number(server.Port),
        "--warm", Number((int)warm.TotalMilliseconds),
        "--window", Number((int)window.TotalMilliseconds),
        .. server.Ids.SelectMany(id => (string[])["--watch", Number(id)]),
        .. (backend?.Ids ?? []).SelectMany(id => (string[])["--beside", Number(id)]),
        .. peer.IsFloor ? (string[])["--raw"] : [],
    ];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private void Add(Sample sample)
    {
        Samples.Add(sample);
        report($"  {sample.Peer}: {Progress.Line(sample)}");
    }

    // One peer that fails has a row that says so; the others are measured all the same. It has a second try: a single connection of
    // many thousands that is cut must not cost it the whole scenario.
    private async Task TryAsync(Scenario scenario, Peer peer, Func<Task> measure)
    {
        try
        {
            await measure();
            return;
        }
        catch (Exception e) when (e is BenchException or TimeoutException)
        {
            report($"  {peer.Id}: failed, and is tried once more: {e.Message}");
        }
        try
        {
            await measure();
        }
        catch (Exception e) when (e is BenchException or TimeoutException)
        {
            Samples.RemoveAll(sample => sample.Scenario == scenario.Id && sample.Peer == peer.Id);
            Absences.Add(new Absence(scenario.Id, peer.Id, "failed: " + e.Message.ReplaceLineEndings(" ")));
            report($"  {peer.Id}: FAILED: {e.Message}");
        }
    }
}
