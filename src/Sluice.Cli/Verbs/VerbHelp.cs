using System.CommandLine;
using System.CommandLine.Invocation;

namespace Sluice.Cli.Verbs;

/// <summary>The usual help, and below it a verb's details.</summary>
internal sealed class VerbHelp(SynchronousCommandLineAction usual) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var code = usual.Invoke(parseResult);
        if (parseResult.CommandResult.Command is VerbCommand verb) parseResult.InvocationConfiguration.Output.WriteLine(verb.Details);
        return code;
    }
}
