using System.Diagnostics.CodeAnalysis;

namespace Sluice.Fuzz.Engine;

/// <summary>A rule of a target's oracle was broken.</summary>
internal sealed class FuzzFailure : Exception
{
    public FuzzFailure(string rule, string detail = "")
        : base(detail.Length == 0 ? rule : $"{rule}: {detail}") => Rule = rule;

    /// <summary>The rule alone: a shrunk input must break the same one.</summary>
    public string Rule { get; }

    public static void Unless([DoesNotReturnIf(false)] bool holds, string rule)
    {
        if (!holds) throw new FuzzFailure(rule);
    }

    public static void UnlessSame<T>(T actual, T expected, string rule)
    {
        if (!EqualityComparer<T>.Default.Equals(actual, expected)) throw new FuzzFailure(rule, $"{actual}, not {expected}");
    }

    public static void UnlessSameBytes(ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected, string rule)
    {
        if (!actual.SequenceEqual(expected)) throw new FuzzFailure(rule, $"{Hex.Short(actual)}, not {Hex.Short(expected)}");
    }

    /// <summary>What two failures must have in common to be the same finding.</summary>
    public static string KindOf(Exception error) => error is FuzzFailure failure ? failure.Rule : error.GetType().FullName!;
}
