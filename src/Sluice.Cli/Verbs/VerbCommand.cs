using System.CommandLine;

namespace Sluice.Cli.Verbs;

/// <summary>A verb: a line for the list of verbs, and the rest for its own help.</summary>
/// <param name="name">What is typed.</param>
/// <param name="description">One line.</param>
/// <param name="details">What the options do not say: behaviour, examples, exit codes.</param>
internal sealed class VerbCommand(string name, string description, string details) : Command(name, description)
{
    public string Details => details;
}
