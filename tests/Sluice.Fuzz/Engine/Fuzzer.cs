using System.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace Sluice.Fuzz.Engine;

/// <summary>What was found.</summary>
internal sealed record Finding(string Target, ulong Seed, byte[] Input, Exception Error);

/// <summary>Fuzzes one target: fresh inputs from FsCheck, and mutations of those that showed something new.</summary>
internal sealed class Fuzzer(Target target, ulong seed)
{
    private const int Batch = 64;
    private const int MaxCorpus = 4096;
    private const int LongestKept = 16 * 1024; // long inputs take long, and their mutations too
    private const int MaxGeneratedSize = 100;

    /// <summary>An input takes microseconds; one that takes this long hangs.</summary>
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);

    private readonly Trace _trace = new();
    private readonly List<byte[]> _corpus = [];
    private readonly System.Random _random = new((int)(seed ^ (seed >> 32)));
    private readonly Queue<byte[]> _fresh = new();
    private byte[] _current = [];
    private long _iterations;
    private volatile bool _isShrinking;

    public Target Target => target;

    public long Iterations => Volatile.Read(ref _iterations);

    public int Kept => _corpus.Count;

    public int Events => _trace.Count;

    /// <summary>Fuzzes for so long, on a thread of its own, so that an input that never ends is a finding, too.</summary>
    /// <param name="time">How long.</param>
    /// <param name="onProgress">Called about once a second.</param>
    public Finding? Run(TimeSpan time, Action<Fuzzer>? onProgress = null)
    {
        Finding? finding = null;
        using var done = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            finding = Loop(time);
            done.Set();
        })
        { IsBackground = true, Name = $"fuzz {target.Name}" };
        thread.Start();

        var seen = -1L;
        var since = Stopwatch.StartNew();
        while (!done.Wait(TimeSpan.FromSeconds(1)))
        {
            onProgress?.Invoke(this);
            if (Iterations != seen || _isShrinking)
            {
                seen = Iterations;
                since.Restart();
            }
            else if (since.Elapsed > Hang)
            {
                return new Finding(target.Name, seed, _current, new FuzzFailure("an input never ends", $"after {Hang.TotalSeconds} s"));
            }
        }
        return finding;
    }

    private Finding? Loop(TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        for (var left = target.InputsInTurn; left > 0 && clock.Elapsed < time; left--)
        {
            var input = _current = Next();
            if (Shrinking.Attempt(target, input, _trace) is { } error)
            {
                _isShrinking = true;
                var (smallest, reason) = Shrinking.Shrink(target, input, error);
                return new Finding(target.Name, seed, smallest, reason);
            }
            if (_trace.IsNew && input.Length <= LongestKept) Keep(input);
            Volatile.Write(ref _iterations, _iterations + 1);
        }
        return null;
    }

    private byte[] Next()
    {
        if (_corpus.Count > 0 && _random.Next(2) == 0)
        {
            return Mutation.Of(_corpus[_random.Next(_corpus.Count)], _corpus[_random.Next(_corpus.Count)], _random);
        }
        if (_fresh.Count == 0)
        {
            var size = 1 + _random.Next(MaxGeneratedSize);
            var rnd = new Rnd((ulong)_random.NextInt64());
            foreach (var input in target.Inputs.Sample(size, rnd, Batch)) _fresh.Enqueue(input);
        }
        return _fresh.Dequeue();
    }

    private void Keep(byte[] input)
    {
        if (_corpus.Count < MaxCorpus) _corpus.Add(input);
        else _corpus[_random.Next(MaxCorpus)] = input;
    }
}
