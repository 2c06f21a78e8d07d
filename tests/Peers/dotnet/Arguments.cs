namespace Sluice.Peers.DotNet;

/// <summary>A command line split into positional arguments and options, each option a list of its values.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, List<string>> _options;

    private Arguments(IEnumerable<string> names) => _options = names.ToDictionary(name => name, _ => new List<string>());

    public List<string> Positional { get; } = [];

    public IReadOnlyList<string> this[string option] => _options[option];

    public static Arguments Parse(string[] words, params string[] names)
    {
        var parsed = new Arguments(names);
        for (int i = 0; i < words.Length; i++)
        {
            if (!words[i].StartsWith("--", StringComparison.Ordinal))
                parsed.Positional.Add(words[i]);
            else if (parsed._options.TryGetValue(words[i][2..], out List<string>? values) && i + 1 < words.Length)
                values.Add(words[++i]);
            else
                throw new FormatException($"bad option {words[i]}");
        }

        return parsed;
    }
}
