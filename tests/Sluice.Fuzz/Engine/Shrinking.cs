using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Engine;

/// <summary>Makes a failing input smaller as long as it breaks the same rule: first by cutting out long pieces, then by
/// FsCheck's shrinker for arrays, which also makes the single bytes smaller but takes its time with long ones.</summary>
internal static class Shrinking
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly Arbitrary<byte[]> Arrays = ArbMap.Default.ArbFor<byte[]>();

    /// <returns>The smallest input found, and what it breaks.</returns>
    public static (byte[] Input, Exception Error) Shrink(Target target, byte[] input, Exception error)
    {
        var clock = Stopwatch.StartNew();
        Guard.IsShrinking = true;
        for (var piece = input.Length / 2; piece > 0; piece /= 2)
        {
            for (var at = 0; at + piece <= input.Length && clock.Elapsed < Patience;)
            {
                if (!TryTake([.. input[..at], .. input[(at + piece)..]])) at += piece;
            }
        }
        for (var found = true; found && clock.Elapsed < Patience;)
        {
            found = Arrays.Shrinker(input).TakeWhile(_ => clock.Elapsed < Patience).Any(TryTake);
        }
        Guard.IsShrinking = false;
        return (input, error);

        bool TryTake(byte[] smaller)
        {
            if (Attempt(target, smaller, new Trace()) is not { } again) return false;
            if (FuzzFailure.KindOf(again) != FuzzFailure.KindOf(error)) return false;
            (input, error) = (smaller, again);
            return true;
        }
    }

    public static Exception? Attempt(Target target, byte[] input, Trace trace)
    {
        trace.Begin();
        try
        {
            target.Run(input, trace);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }
}
