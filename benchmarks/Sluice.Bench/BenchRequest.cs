using Sluice.Bench.Measuring;
using Sluice.Bench.Peers;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench;

/// <summary>What was asked for on the command line.</summary>
internal sealed record BenchRequest
{
    public required string Command { get; init; }

    public required IReadOnlyList<Scenario> Scenarios { get; init; }

    public required IReadOnlyList<Peer> Peers { get; init; }

    public required BenchSettings Settings { get; init; }

    public string? Json { get; init; }

    public required string Out { get; init; }

    public bool List { get; init; }
}
