using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Sluice.Bench.Machine;

/// <summary>Where and with what a run was made.</summary>
internal sealed record Facts(string Processor, int Cores, double MemoryGiB, string Kernel, IReadOnlyList<(string Name, string Version)> Versions)
{
    private static readonly SearchValues<char> Numbers = SearchValues.Create("0123456789.");

    private static readonly (string Name, string Program, string[] Arguments)[] Tools =
    [
        ("Sluice", "git", ["-C", RepositoryPaths.Root, "describe", "--always", "--dirty"]),
        (".NET SDK", "dotnet", ["--version"]),
        ("gcc", "gcc", ["-dumpfullversion"]),
        ("Go", "go", ["version"]),
        ("Node", "node", ["--version"]),
        ("ws", "node", ["-p", $"require('{RepositoryPaths.In("benchmarks", "peers", "node-ws", "node_modules", "ws", "package.json")}').version"]),
        ("Python", "/usr/bin/python3", ["--version"]),
        ("python3-websockets", "dpkg-query", ["--show", "--showformat=${Version}", "python3-websockets"]),
        ("gorilla", "dpkg-query", ["--show", "--showformat=${Version}", "golang-github-gorilla-websocket-dev"]),
        ("nhooyr", "dpkg-query", ["--show", "--showformat=${Version}", "golang-nhooyr-websocket-dev"]),
        ("x/net", "dpkg-query", ["--show", "--showformat=${Version}", "golang-golang-x-net-dev"]),
        ("nginx", "nginx", ["-v"]),
        ("HAProxy", "haproxy", ["-v"]),
        ("OpenSSL", "openssl", ["version"]),
    ];

    public static Facts Gather() => new(
        Value("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Value("/proc/cpuinfo", "processor", last: true) is { } last ? int.Parse(last, CultureInfo.InvariantCulture) + 1 : Environment.ProcessorCount,
        double.Parse((Value("/proc/meminfo", "MemTotal") ?? "0 kB").Split(' ')[0], CultureInfo.InvariantCulture) / (1 << 20),
        Version(Text("/proc/sys/kernel/osrelease")),
        [(".NET runtime", Environment.Version.ToString()), .. Tools.Select(tool => (tool.Name, FirstLine(tool.Program, tool.Arguments)))]);

    /// <summary>The version that a kernel's full name begins with; the rest names who built it, and for what machine.</summary>
    public static string Version(string release) => release.AsSpan().IndexOfAnyExcept(Numbers) is > 0 and var end ? release[..end].TrimEnd('.') : release;

    private static string Text(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : "unknown";

    private static string? Value(string file, string name, bool last = false)
    {
        if (!File.Exists(file)) return null;
        var lines = File.ReadLines(file).Where(line => line.StartsWith(name, StringComparison.Ordinal));
        return (last ? lines.LastOrDefault() : lines.FirstOrDefault())?.Split(':', 2)[1].Trim();
    }

    private static string FirstLine(string program, string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd() + error.GetAwaiter().GetResult();
            process.WaitForExit();
            return process.ExitCode == 0 ? output.Trim().Split('\n')[0] : "not there";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "not there";
        }
    }
}
