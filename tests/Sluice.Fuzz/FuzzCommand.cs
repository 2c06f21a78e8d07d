using System.Diagnostics;
using System.Globalization;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Targets;

namespace Sluice.Fuzz;

/// <summary>Fuzzing by hand, for as long as one likes: see CONTRIBUTING.md.</summary>
internal static class FuzzCommand
{
    private const string Usage = """
        usage: ./fuzz [--for 30m] [--target NAME]... [--seed N]
               ./fuzz --replay FILE [--target NAME]
        --for     how long in all: a number with s, m or h (default 60s), shared by the targets in turns
        --target  this target alone; may be given more than once
        --seed    what the inputs are made from (default: another one every time)
        --replay  runs one saved input; its target is taken from the file's name or folder
        exit code 0: nothing found, 1: something was, 2: wrong usage
        """;

    // A target's turn, so that a run of an hour reports about all of them early.
    private static readonly TimeSpan LongestTurn = TimeSpan.FromMinutes(2);

    public static int Run(string[] args)
    {
        try
        {
            var options = Options.Parse(args);
            return options.Replay is null ? Fuzz(options) : Replay(options.Replay, options.Targets);
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"fuzz: {e.Message}\n{Usage}");
            return 2;
        }
    }

    private static int Fuzz(Options options)
    {
        string[] names = options.Targets.Count > 0 ? [.. options.Targets] : [.. AllTargets.Names];
        var targets = names.Select(AllTargets.Create).ToArray();
        try
        {
            Console.WriteLine($"fuzz: seed {options.Seed}, {options.Time.TotalSeconds:0} s, targets: {string.Join(", ", names)}");
            return Array.TrueForAll(targets, ReplaySaved) && TakeTurns(targets, options) ? 0 : 1;
        }
        finally
        {
            foreach (var target in targets) target.Dispose();
        }
    }

    private static bool TakeTurns(Target[] targets, Options options)
    {
        var fuzzers = Array.ConvertAll(targets, target => new Fuzzer(target, options.Seed));
        var turn = options.Time / targets.Length;
        if (turn > LongestTurn) turn = LongestTurn;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < options.Time;)
        {
            foreach (var fuzzer in fuzzers)
            {
                var left = options.Time - clock.Elapsed;
                if (left <= TimeSpan.Zero) break;
                if (!TakeTurn(fuzzer, left < turn ? left : turn, clock)) return false;
            }
        }
        Console.WriteLine($"fuzz: nothing found in {fuzzers.Sum(fuzzer => fuzzer.Iterations)} inputs");
        return true;
    }

    private static bool TakeTurn(Fuzzer fuzzer, TimeSpan time, Stopwatch clock)
    {
        var (before, started) = (fuzzer.Iterations, clock.Elapsed);
        var finding = fuzzer.Run(time);
        var rate = (fuzzer.Iterations - before) / (clock.Elapsed - started).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{clock.Elapsed:hh\\:mm\\:ss} {fuzzer.Target.Name,-14} {fuzzer.Iterations,12} inputs {rate,8:0}/s {fuzzer.Kept,6} kept {fuzzer.Events,6} events"));
        if (finding is not null) Console.WriteLine(SavedCases.Report(finding));
        return finding is null;
    }

    private static bool ReplaySaved(Target target) => SavedCases.Of(target.Name).All(path => ReplayOne(target, path));

    private static int Replay(string path, IReadOnlyList<string> targets)
    {
        if (!File.Exists(path)) throw new UsageException($"there is no file '{path}'");
        var name = (targets.Count > 0 ? targets[0] : null) ?? AllTargets.Names.OrderByDescending(name => name.Length).FirstOrDefault( // one name begins with another
            name => Path.GetFileName(path).StartsWith(name + "-", StringComparison.Ordinal)
                || Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) == name)
            ?? throw new UsageException($"the target of '{path}' can't be told from its name; add --target NAME");
        using var target = AllTargets.Create(name);
        return ReplayOne(target, path) ? 0 : 1;
    }

    private static bool ReplayOne(Target target, string path)
    {
        var error = Shrinking.Attempt(target, Hex.Read(path), new Engine.Trace());
        Console.WriteLine($"{target.Name}: {path}: {(error is null ? "in order" : error.ToString())}");
        return error is null;
    }

    private sealed record Options(TimeSpan Time, IReadOnlyList<string> Targets, ulong Seed, string? Replay)
    {
        public static Options Parse(string[] args)
        {
            var options = new Options(TimeSpan.FromSeconds(60), [], SavedCases.Seed, null);
            for (var i = 0; i < args.Length; i += 2)
            {
                if (i + 1 == args.Length) throw new UsageException($"'{args[i]}' is unknown, or lacks its value");
                var value = args[i + 1];
                options = args[i] switch
                {
                    "--for" => options with { Time = ParseTime(value) },
                    "--target" => options with { Targets = [.. options.Targets, value] },
                    "--seed" when ulong.TryParse(value, CultureInfo.InvariantCulture, out var seed) => options with { Seed = seed },
                    "--seed" => throw new UsageException($"'{value}' is no seed: a number from 0"),
                    "--replay" => options with { Replay = value },
                    _ => throw new UsageException($"there is no option '{args[i]}'"),
                };
            }
            return options;
        }

        private static TimeSpan ParseTime(string text)
        {
            var factor = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
            if (factor == 0 || !double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                || !(number > 0 && number <= 1e6))
            {
                throw new UsageException($"'{text}' is no time: write 90s, 30m or 8h");
            }
            return TimeSpan.FromSeconds(number * factor);
        }
    }
}
