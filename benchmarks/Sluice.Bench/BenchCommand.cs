using System.CommandLine;
using System.CommandLine.Parsing;
using Sluice.Bench.Peers;
using Sluice.Bench.Scenarios;

namespace Sluice.Bench;

/// <summary>The command line of <c>./bench</c>.</summary>
internal static class BenchCommand
{
    private static readonly Option<bool> Quick = new("--quick") { Description = "Fewer scenarios, shorter windows: a few minutes." };
    private static readonly Option<bool> All = new("--all") { Description = "Every size with every number of connections and messages in flight, text and binary: hours." };
    private static readonly Option<string[]> Only = Names("--only", "Scenarios or families of them, separated by commas, as echo,idle; see --list.");
    private static readonly Option<string[]> Peers = Names("--peers", "Peers, separated by commas, as floor,sluice,gorilla; see --list.");
    private static readonly Option<int> Rounds = new("--rounds") { Description = "How often each is measured, by turns; twice as often where there is a goal. [default: 3, quick: 2]" };
    private static readonly Option<double> Window = new("--window") { Description = "Seconds that each measurement counts. [default: 1, quick: 0.5]" };
    private static readonly Option<string?> Json = new("--json") { Description = "Writes every single measurement to a file.", HelpName = "file" };
    private static readonly Option<string?> Out = new("--out") { Description = "Where benchmarks.md and its charts go. [default: docs; artifacts/bench/report when the run is narrowed]", HelpName = "directory" };
    private static readonly Option<bool> List = new("--list") { Description = "Lists the scenarios and the peers, and ends." };

    public static RootCommand Create()
    {
        var command = new RootCommand("Measures this project and its peers side by side, in one run, and writes docs/benchmarks.md. The default run takes about half an hour; --micro runs the micro-benchmarks instead.");
        foreach (var option in new Option[] { Quick, All, Only, Peers, Rounds, Window, Json, Out, List }) command.Add(option);
        Rounds.Validators.Add(Within(Rounds, 1, 100));
        Window.Validators.Add(Within(Window, 0.05, 60));
        command.SetAction(async (result, cancellation) =>
        {
            try
            {
                return await BenchRun.RunAsync(Read(result), cancellation);
            }
            catch (BenchException e)
            {
                await Console.Error.WriteLineAsync($"bench: {e.Message}");
                return 1;
            }
        });
        return command;
    }

    private static Action<OptionResult> Within<T>(Option<T> option, T least, T most)
        where T : IComparable<T> => result =>
        {
            if (result.Tokens.Count == 0 || result.GetValue(option) is not { } value) return;
            if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0) result.AddError($"{option.Name} wants a number from {least} to {most}.");
        };

    private static Option<string[]> Names(string name, string description) => new(name)
    {
        Description = description,
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result => [.. result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))],
    };

    private static BenchRequest Read(ParseResult result)
    {
        var quick = result.GetValue(Quick);
        var narrowed = quick || result.GetValue(Only) is { Length: > 0 } || result.GetValue(Peers) is { Length: > 0 };
        return new BenchRequest
        {
            Command = Shown(result.Tokens),
            Scenarios = Chosen(result.GetValue(All) ? ScenarioCatalog.All : quick ? ScenarioCatalog.Quick : ScenarioCatalog.Default, result.GetValue(Only) ?? [],
                scenario => [scenario.Id, scenario.Family]),
            Peers = Chosen(PeerCatalog.Servers.Concat(PeerCatalog.Proxies), result.GetValue(Peers) ?? [], peer => [peer.Id]),
            Settings = Settings(result, quick),
            Json = result.GetValue(Json),
            Out = result.GetValue(Out) ?? (narrowed ? RepositoryPaths.Built("report") : RepositoryPaths.In("docs")),
            List = result.GetValue(List),
        };
    }

    // Where the results went says nothing about them.
    private static string Shown(IReadOnlyList<Token> tokens)
    {
        List<string> shown = ["./bench"];
        for (var i = 0; i < tokens.Count; i++)
        {
            if (tokens[i].Value == Json.Name || tokens[i].Value == Out.Name) i++;
            else shown.Add(tokens[i].Value);
        }

        return string.Join(' ', shown);
    }

    private static Measuring.BenchSettings Settings(ParseResult result, bool quick)
    {
        var settings = quick
            ? new Measuring.BenchSettings { Rounds = 2, Window = TimeSpan.FromSeconds(0.5), Calm = TimeSpan.FromSeconds(5) }
            : new Measuring.BenchSettings();
        if (result.GetValue(Rounds) is > 0 and var rounds) settings = settings with { Rounds = rounds };
        if (result.GetValue(Window) is > 0 and var window) settings = settings with { Window = TimeSpan.FromSeconds(window) };
        return settings;
    }

    private static List<T> Chosen<T>(IEnumerable<T> known, string[] wanted, Func<T, string[]> names)
    {
        var all = known.ToList();
        if (wanted.Length == 0) return all;
        var unknown = wanted.Where(name => !all.Exists(item => names(item).Contains(name, StringComparer.Ordinal))).ToList();
        if (unknown.Count > 0) throw new BenchException($"'{string.Join("', '", unknown)}' is not known here; see ./bench --list");
        return [.. all.Where(item => names(item).Intersect(wanted, StringComparer.Ordinal).Any())];
    }
}
