using FsCheck;

namespace Sluice.Fuzz.Engine;

/// <summary>
/// One thing to fuzz. Its input is a string of bytes, from which it takes everything: contents, chunk boundaries, the
/// sequence of calls. So an input can be saved, mutated, shrunk and replayed without knowing what it means.
/// </summary>
internal abstract class Target : IDisposable
{
    /// <summary>What it is called on the command line, and its folder under Cases.</summary>
    public abstract string Name { get; }

    /// <summary>Makes inputs that come near to what the code under test takes for good.</summary>
    public abstract Gen<byte[]> Inputs { get; }

    /// <summary>The most inputs in one turn: bounded for what takes a real socket.</summary>
    public virtual long InputsInTurn => long.MaxValue;

    /// <summary>Runs one input to its end.</summary>
    /// <param name="input">Any bytes at all.</param>
    /// <param name="trace">What the code did, in numbers: an input that makes it do something new is kept and mutated.</param>
    /// <exception cref="Exception">Any exception is a finding; <see cref="FuzzFailure"/> for a rule of the oracle that was broken.</exception>
    public abstract void Run(byte[] input, Trace trace);

    public virtual void Dispose()
    {
    }
}
