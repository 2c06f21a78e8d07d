namespace Sluice.Peers;

/// <summary>The folder with <c>Sluice.slnx</c>, found from where the tests run.</summary>
public static class RepositoryRoot
{
    private const string Marker = "Sluice.slnx";

    /// <summary>The folder's full path.</summary>
    public static string FullPath { get; } = Find();

    /// <summary>The full path of what lies at <paramref name="parts"/> below the root.</summary>
    public static string Combine(params ReadOnlySpan<string> parts) => Path.Combine([FullPath, .. parts]);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Marker))) return folder.FullName;
        }

        throw new DirectoryNotFoundException(
            $"no {Marker} in {AppContext.BaseDirectory} or above it: the tests run from inside the repository only");
    }
}
