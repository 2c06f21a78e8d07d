using System.CommandLine;

namespace Sluice.Cli.Verbs;

internal static class ConnectCommand
{
    public static Command Create() => new("connect", "x");
}
