using Sluice.Bench.Measuring;
using Sluice.Bench.Peers;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Reporting;

/// <summary>A peer's line in the table of a scenario: the spread of its rounds.</summary>
internal sealed record Row(Scenario Scenario, Peer Peer, IReadOnlyList<Sample> Samples)
{
    private const double Busy = 0.9;

    /// <summary>What the scenario is about: CPU for each, or memory for each, or how many.</summary>
    public Spread Figure => Scenario.Kind switch
    {
        Kind.Idle => Kibibytes,
        Kind.Capacity => Of(sample => sample.Result.Count),
        _ => Cpu,
    };

    /// <summary>Microseconds of CPU time for each message, delivery, handshake or opened connection.</summary>
    public Spread Cpu => Of(sample => sample.CpuMicroseconds);

    /// <summary>Growth of resident memory for each idle connection.</summary>
    public Spread Kibibytes => Of(sample => sample.ResidentBytes / 1024.0 / sample.Result.Count);

    public Spread UsedKibibytes => Of(sample => sample.UsedBytes / 1024.0 / sample.Result.Count);

    public Spread PerSecond => Of(sample => sample.PerSecond);

    public double ServerShare => Of(sample => sample.ServerShare).Median;

    public double LoadShare => Of(sample => sample.LoadShare).Median;

    /// <summary>Who was at its limit in the window: a core is full from 90 % on.</summary>
    public string Limit => Classify(ServerShare, LoadShare);

    public static string Classify(double server, double load) => (server >= Busy, load >= Busy) switch
    {
        (true, true) => "both",
        (true, false) => "server",
        (false, true) => "load",
        _ => "neither",
    };

    public Spread Of(Func<Sample, double> value) => Spread.Of(Samples.Select(value));
}

/// <summary>The rows of a scenario, in the order of the catalogue.</summary>
internal sealed record Table(Scenario Scenario, IReadOnlyList<Row> Rows, IReadOnlyList<Absence> Absences)
{
    public static Table Of(Scenario scenario, IReadOnlyList<Peer> peers, IReadOnlyList<Sample> samples, IReadOnlyList<Absence> absences) => new(
        scenario,
        [
            .. peers
                .Select(peer => new Row(scenario, peer, [.. samples.Where(sample => sample.Scenario == scenario.Id && sample.Peer == peer.Id)]))
                .Where(row => row.Samples.Count > 0),
        ],
        [.. absences.Where(absence => absence.Scenario == scenario.Id)]);

    public Row? Find(string peer) => Rows.FirstOrDefault(row => row.Peer.Id == peer);

    public Row? Ours => Rows.FirstOrDefault(row => row.Peer.IsOurs);

    public Row? Floor => Find("floor");
}
