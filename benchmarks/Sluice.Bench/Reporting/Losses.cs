using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Reporting;

/// <summary>Where a peer, other than a floor, did better than we.</summary>
internal static class Losses
{
    public static IEnumerable<string> Of(IEnumerable<Table> tables)
    {
        foreach (var table in tables)
        {
            if (table.Ours is not { } ours) continue;
            var more = table.Scenario.Kind == Kind.Capacity;
            foreach (var row in table.Rows.Where(row => !row.Peer.IsOurs && !row.Peer.IsFloor))
            {
                if (more ? row.Figure.Median > ours.Figure.Median : row.Figure.Median < ours.Figure.Median)
                    yield return $"{table.Scenario.Title}: {row.Peer.Title} {Number.Of(row.Figure.Median)}, {ours.Peer.Title} {Number.Of(ours.Figure.Median)} {Unit(table.Scenario)}";
                if (table.Scenario.Kind == Kind.Echo && row.Samples[0].Result.P99 > 0 && P99(row) < P99(ours) * 0.9)
                    yield return $"{table.Scenario.Title}, p99: {row.Peer.Title} {Number.Of(P99(row))}, {ours.Peer.Title} {Number.Of(P99(ours))} µs";
            }
        }
    }

    public static string Unit(Scenario scenario) => scenario.Kind switch
    {
        Kind.Idle => "KiB of resident memory per connection",
        Kind.Capacity => "members",
        _ => $"µs of server CPU per {scenario.Unit}",
    };

    private static double P99(Row row) => row.Of(sample => sample.Result.P99).Median;
}
