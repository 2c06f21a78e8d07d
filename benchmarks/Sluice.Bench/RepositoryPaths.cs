namespace Sluice.Bench;

/// <summary>Where things are in the repository that this program was built in.</summary>
internal static class RepositoryPaths
{
    public static string Root { get; } = Find();

    public static string In(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    /// <summary>What <c>benchmarks/install</c> and the builds have made.</summary>
    public static string Built(params ReadOnlySpan<string> parts) => Path.Combine([Root, "artifacts", "bench", .. parts]);

    private static string Find()
    {
        for (var directory = AppContext.BaseDirectory; directory is not null; directory = Path.GetDirectoryName(directory))
            if (File.Exists(Path.Combine(directory, "Sluice.slnx"))) return directory;
        throw new BenchException("this program runs only inside the repository that it was built in; start it with ./bench");
    }
}
