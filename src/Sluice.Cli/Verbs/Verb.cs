using System.CommandLine;
using System.CommandLine.Parsing;

namespace Sluice.Cli.Verbs;

/// <summary>What all verbs have in common.</summary>
internal static class Verb
{
    /// <summary>Runs a verb; what the command line got wrong becomes a line on stderr and exit code 2.</summary>
    public static async Task<int> RunAsync(ParseResult command, Func<Task<int>> verb)
    {
        try
        {
            return await verb().ConfigureAwait(false);
        }
        catch (Exception e) when (e is UsageException or ArgumentException)
        {
            return RefuseUsage(command, Describe(e));
        }
    }

    /// <summary>Says what the parser could not make sense of.</summary>
    public static int RefuseParse(ParseResult command)
    {
        var known = command.CommandResult.Command.Subcommands;
        if (known.Count == 0) return RefuseUsage(command, Describe(command.Errors, command.UnmatchedTokens));
        // The parser's own words are that a command is required, but not which ones there are.
        var wrong = command.UnmatchedTokens is [var first, ..] ? $"there is no '{first}'" : "a command is missing";
        return RefuseUsage(command, $"{wrong}: the commands are {string.Join(", ", known.Select(verb => verb.Name))}");
    }

    /// <summary>Says what is wrong with the command line, and where to read how it is meant.</summary>
    public static int RefuseUsage(ParseResult command, params IEnumerable<string> errors)
    {
        foreach (var error in errors) Console.Error.WriteLine($"sluice: {error}");
        var verb = command.CommandResult.Parent is null ? "" : command.CommandResult.Command.Name + " ";
        Console.Error.WriteLine($"Try 'sluice {verb}--help'.");
        return ExitCode.Usage;
    }

    // The parser calls all that it does not know "command or argument". What stands alone may only do so because of another fault.
    private static IEnumerable<string> Describe(IReadOnlyList<ParseError> errors, IReadOnlyList<string> unknown)
    {
        string[] told =
        [
            .. unknown.Where(token => token.StartsWith('-')).Select(token => $"there is no option '{token}'"),
            .. errors.Select(error => error.Message).Where(message => !unknown.Any(token => message.Contains($"'{token}'", StringComparison.Ordinal))),
        ];
        return told.Length > 0 ? told : unknown.Select(token => $"'{token}' is not expected here");
    }

    // An ArgumentException adds the name of the parameter in the program, which means nothing on a command line.
    private static string Describe(Exception error)
    {
        if (error is not ArgumentException { ParamName: { } name }) return error.Message;
        var suffix = $" (Parameter '{name}')";
        return error.Message.EndsWith(suffix, StringComparison.Ordinal) ? error.Message[..^suffix.Length] : error.Message;
    }
}
