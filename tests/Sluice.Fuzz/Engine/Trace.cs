namespace Sluice.Fuzz.Engine;

/// <summary>
/// The signal that guides the fuzzing in place of coverage, which needs instrumented code: pairs of successive events
/// that a target notes (frame kinds, violations, outcomes of calls), hashed into a map. An input with a pair that none
/// before had is worth keeping.
/// </summary>
internal sealed class Trace
{
    private readonly bool[] _seen = new bool[1 << 16];
    private int _previous;

    /// <summary>Whether the input under way showed something new.</summary>
    public bool IsNew { get; private set; }

    /// <summary>How many different pairs were seen so far.</summary>
    public int Count { get; private set; }

    public void Begin()
    {
        _previous = 0;
        IsNew = false;
    }

    public void Note(int what)
    {
        ref var seen = ref _seen[(Mix(_previous, what)) & 0xFFFF];
        _previous = what;
        if (seen) return;
        seen = true;
        IsNew = true;
        Count++;
    }

    public void Note(int kind, int value) => Note((kind << 24) ^ value);

    /// <summary>Notes how large something is, by powers of two.</summary>
    public void NoteSize(int kind, long size) => Note(kind, 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)size));

    // Not HashCode: that one is different in every process, and a run is to be the same again.
    private static int Mix(int first, int second)
    {
        var mixed = ((uint)first * 0x9E3779B1) ^ ((uint)second * 0x85EBCA6B);
        return (int)(mixed ^ (mixed >> 15));
    }
}
