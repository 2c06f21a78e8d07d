using Sluice.Peers;

namespace Sluice.Cli.Tests.Support;

/// <summary>How long a wait may last before it counts as hanging.</summary>
internal static class Guard
{
    public static TimeSpan Time => ProcessUnderTest.Guard;

    public static CancellationToken Token() => new CancellationTokenSource(Time).Token;
}
