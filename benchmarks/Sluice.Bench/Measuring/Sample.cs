using Sluice.Bench.Load;

namespace Sluice.Bench.Measuring;

/// <summary>One measurement of one peer in one round.</summary>
internal sealed record Sample(string Scenario, string Peer, int Round, LoadResult Result)
{
    /// <summary>Resident memory of the server at the end of the window; for idle connections what they made it grow by.</summary>
    public long ResidentBytes { get; init; }

    /// <summary>What it had grown by after one message on each idle connection.</summary>
    public long UsedBytes { get; init; }

    public double CpuMicroseconds => Result.ServerCpu * 1e6 / Result.Count;

    public double PerSecond => Result.Count / Result.Seconds;

    public double ServerShare => Result.ServerCpu / Result.Seconds;

    public double LoadShare => Result.LoadCpu / Result.Seconds;
}

/// <summary>Why a peer has no row in a table.</summary>
internal sealed record Absence(string Scenario, string Peer, string Reason);
