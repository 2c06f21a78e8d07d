namespace Sluice.Conformance.Wire;

/// <summary>Keeps a test that went wrong from hanging; no test measures by it.</summary>
internal static class Guarding
{
    // What makes one case wait in vain may do so to thousands, and half a minute for each would be days: once so many waits
    // have timed out, whatever does not come at once is taken for lost.
    private const int MostTimeouts = 20;

    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);
    private static int Timeouts;

    public static async Task Guarded(this Task task)
    {
        try
        {
            await task.WaitAsync(Left);
        }
        catch (TimeoutException e) when (!task.IsFaulted)
        {
            throw TimedOut(e);
        }
    }

    public static async Task<T> Guarded<T>(this Task<T> task)
    {
        await ((Task)task).Guarded();
        return await task;
    }

    public static Task<T> Guarded<T>(this ValueTask<T> task) => task.AsTask().Guarded();

    public static Task Guarded(this ValueTask task) => task.AsTask().Guarded();

    private static TimeSpan Left => Volatile.Read(ref Timeouts) < MostTimeouts ? Guard : TimeSpan.Zero;

    private static TimeoutException TimedOut(TimeoutException inner)
    {
        var count = Interlocked.Increment(ref Timeouts);
        return count <= MostTimeouts
            ? new TimeoutException($"what the test waits for did not come within {Guard.TotalSeconds} s", inner)
            : new TimeoutException($"after {MostTimeouts} waits that timed out the others are given up at once; look at those first", inner);
    }
}
