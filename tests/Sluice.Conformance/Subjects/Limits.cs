namespace Sluice.Conformance.Subjects;

/// <summary>The limits of a subject, and the path below which the servers echo within them.</summary>
internal sealed record Limits(string Path, ConnectionOptions Options)
{
    private const int MiB = 1024 * 1024;

    public static Limits Default { get; } = new("", new() { KeepAliveInterval = Timeout.InfiniteTimeSpan });

    /// <summary>A thousand bytes, ten fragments.</summary>
    public static Limits Small { get; } = new("/small", Default.Options with { MaxMessageSize = 1000, MaxFragments = 10 });

    /// <summary>Sixteen mebibytes.</summary>
    public static Limits Raised { get; } = new("/raised", Default.Options with { MaxMessageSize = 16 * MiB });

    public static IReadOnlyList<Limits> All { get; } = [Default, Small, Raised];
}
