using Sluice.Peers;

namespace Sluice.Samples.Tests;

/// <summary>A program under samples/, started as a reader of the README would start it.</summary>
internal static class Sample
{
    public static ProcessUnderTest Start(string name, params string[] arguments)
        => ProcessUnderTest.Start("dotnet", [Assembly(name), .. arguments]);

    /// <summary>Starts one that hosts Kestrel on a free port, and waits for its address.</summary>
    public static async Task<(ProcessUnderTest Process, Uri Url)> StartServerAsync(string name, params string[] arguments)
    {
        const string Ready = "Now listening on: ";
        var process = Start(name, ["--urls", "http://127.0.0.1:0", .. arguments]);
        var line = await process.Output.WaitForLineAsync(line => line.Contains(Ready, StringComparison.Ordinal));
        return (process, new Uri(line[(line.IndexOf(Ready, StringComparison.Ordinal) + Ready.Length)..].Trim()));
    }

    public static string Source(string name) => File.ReadAllText(RepositoryRoot.Combine("samples", name, "Program.cs"));

    private static string Assembly(string name)
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
        return RepositoryRoot.Combine("samples", name, "bin", configuration, "net10.0", $"Sluice.Samples.{name}.dll");
    }
}
