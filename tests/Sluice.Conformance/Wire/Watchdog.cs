namespace Sluice.Conformance.Wire;

/// <summary>Ends a run that nothing else ends: a wait without a guard, a pool whose threads all spin. On a thread of its own, as
/// the others may be lost. The suite takes a minute.</summary>
public sealed class Watchdog
{
    private static readonly TimeSpan Most = TimeSpan.FromMinutes(15);

    public Watchdog() => new Thread(Watch) { IsBackground = true, Name = nameof(Watchdog) }.Start();

    // Until the process has ended: the servers' disposal, too, can hang.
    private static void Watch()
    {
        using var never = new ManualResetEventSlim();
        never.Wait(Most);
        Environment.FailFast($"the conformance suite did not end within {Most.TotalMinutes} minutes; a test hangs, or a thread of the library spins");
    }
}
