using System.Reflection;
using Sluice.Peers;

namespace Sluice.Cli.Tests.Support;

/// <summary>The command as it was built, in processes of its own.</summary>
internal static class Command
{
    /// <summary>The program: the same configuration as these tests.</summary>
    public static string Program { get; } = RepositoryRoot.Combine(
        "src", "Sluice.Cli", "bin", Configuration, "net10.0", "Sluice.Cli.dll");

    private static string Configuration
        => typeof(Command).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Release";

    public static ProcessUnderTest Start(params string[] arguments) => ProcessUnderTest.Start("dotnet", [Program, .. arguments]);

    /// <summary>Runs to the end with an empty stdin.</summary>
    public static Task<Finished> RunAsync(params string[] arguments) => RunWithInputAsync("", arguments);

    /// <summary>Runs to the end with this on stdin.</summary>
    public static async Task<Finished> RunWithInputAsync(string input, params string[] arguments)
    {
        await using var process = Start(arguments);
        try
        {
            await process.Input.WriteAsync(input);
            process.Input.Close();
        }
        catch (IOException)
        {
            // It has ended, or reads no input.
        }
        var exitCode = await process.WaitForExitAsync();
        return new Finished(exitCode, process.Output.Text, process.Error.Text);
    }

    /// <summary>A line for bash, with the program in place of <c>sluice</c>.</summary>
    public static ProcessUnderTest StartShell(string line)
        => ProcessUnderTest.Start("bash", "-c", $"sluice() {{ dotnet '{Program}' \"$@\"; }}\n{line}");
}

/// <summary>What is left of a process.</summary>
internal sealed record Finished(int ExitCode, string Output, string Error);
