using Sluice.Bench.Scenarios;

namespace Sluice.Bench.Measuring;

/// <summary>What a run measures, and for how long.</summary>
internal sealed record BenchSettings
{
    public int Rounds { get; init; } = 3;

    /// <summary>What we hold ourselves to is measured twice as often: a ratio of two medians has the noise of both.</summary>
    public int RoundsOf(Scenario scenario) => Math.Min(Goal.All.Any(goal => goal.Scenario == scenario.Id) ? 2 * Rounds : Rounds, scenario.MostRounds);

    /// <summary>How long each measurement counts.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the load runs before it counts, each time.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a server with very many idle connections is left alone before its memory is read, so that a collector
    /// which works when there is nothing else to do has its time.</summary>
    public TimeSpan Calm { get; init; } = TimeSpan.FromSeconds(6);
}
