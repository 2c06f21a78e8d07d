using System.CommandLine;
using Sluice.Cli;
using Sluice.Cli.Verbs;

var root = new RootCommand("WebSockets from the command line: a server, a client and a proxy.")
{
    ServeCommand.Create(),
    ConnectCommand.Create(),
    ProxyCommand.Create(),
};

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors) Console.Error.WriteLine($"sluice: {error.Message}");
    var verb = parsed.CommandResult.Command is RootCommand ? "" : parsed.CommandResult.Command.Name + " ";
    Console.Error.WriteLine($"Try 'sluice {verb}--help'.");
    return ExitCode.Usage;
}

// Verbs end on SIGINT and SIGTERM in their own way, so the parser must not cut them off.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }).ConfigureAwait(false);
