using Sluice.Bench.Processes;

namespace Sluice.Bench.Peers;

/// <summary>A server to measure.</summary>
/// <param name="Id">Its name on the command line and in the raw results.</param>
/// <param name="Title">Its name in tables and charts.</param>
/// <param name="Features">What it can be measured with.</param>
/// <param name="Start">How it is started.</param>
internal sealed record Peer(string Id, string Title, Features Features, Func<StartContext, ServerCommand> Start)
{
    /// <summary>Speaks no WebSocket: bytes come back, and nothing else.</summary>
    public bool IsFloor { get; init; }

    /// <summary>This project's.</summary>
    public bool IsOurs { get; init; }

    /// <summary>How long it is used before its first measurement; those that compile while they run need longer.</summary>
    public TimeSpan Warm { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Why it has no row where a feature is missing.</summary>
    public string Without { get; init; } = "";
}

/// <summary>What a peer needs to know to start.</summary>
/// <param name="Variant">With TLS or compression, or without.</param>
/// <param name="Certificate">The run's own certificate.</param>
/// <param name="Directory">A directory for its files, removed at the end of the run.</param>
/// <param name="Backend">The port of a proxy's backend, 0 for all others.</param>
internal sealed record StartContext(Variant Variant, Certificate Certificate, string Directory, int Backend);
