using System.CommandLine;

namespace Sluice.Cli.Options;

/// <summary>An option whose value people write in units. Its default stands in the help as they would write it.</summary>
internal sealed class Setting<T> : Option<T>
    where T : struct
{
    private readonly T? _default;

    public Setting(string name, string description, T? defaultValue, Func<T, string> format)
        : base(name)
    {
        _default = defaultValue;
        Description = defaultValue is { } value ? $"{description} [default: {format(value)}]" : description;
    }

    /// <summary>The value given, else the default.</summary>
    public T Read(ParseResult result) => Given(result) ?? _default ?? throw new InvalidOperationException($"{Name} has no default");

    /// <summary>The value given; <see langword="null"/> when none was.</summary>
    public T? Given(ParseResult result) => result.GetResult(this) is null ? null : result.GetValue(this);
}
