namespace Sluice.Peers;

/// <summary>How a peer's client ended.</summary>
/// <param name="ExitCode">0 when the scenario went as it should, 1 when not, 64 when the peer cannot do it.</param>
/// <param name="Output">What it wrote to stdout: <c>ok</c> and details.</param>
/// <param name="Error">What it wrote to stderr: what failed.</param>
public sealed record PeerResult(int ExitCode, string Output, string Error)
{
    /// <summary>All of it, for the message of a failed test.</summary>
    public override string ToString() => $"exit code {ExitCode}: {Output}{Error}";
}
