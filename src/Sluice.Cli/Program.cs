using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Sluice.Cli;
using Sluice.Cli.Verbs;

StandardError.Install();
var help = new HelpOption();
help.Action = new VerbHelp((SynchronousCommandLineAction)help.Action!);
var sluice = new Command("sluice", "WebSockets from the command line: a server, a client and a proxy.")
{
    help,
    new VersionOption(),
    ServeCommand.Create(),
    ConnectCommand.Create(),
    ProxyCommand.Create(),
};

// A message may begin with @: it names no file of further options.
var parsed = sluice.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Errors.Count > 0) return Verb.RefuseParse(parsed);

// Verbs end on SIGINT and SIGTERM in their own way, so the parser must not cut them off.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }).ConfigureAwait(false);
