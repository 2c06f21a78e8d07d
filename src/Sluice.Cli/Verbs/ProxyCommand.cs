using System.CommandLine;

namespace Sluice.Cli.Verbs;

internal static class ProxyCommand
{
    public static Command Create() => new("proxy", "x");
}
