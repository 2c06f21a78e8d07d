namespace Sluice.Fuzz.Engine;

/// <summary>How long a wait may take that ought not to take any time: beyond it something hangs.</summary>
internal static class Guard
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WhileShrinking = TimeSpan.FromSeconds(2); // a hang was seen before: each smaller input must wait for it again

    public static TimeSpan Limit => IsShrinking ? WhileShrinking : Generous;

    public static bool IsShrinking { get; set; }

    public static T ResultOf<T>(Task<T> task, string rule)
    {
        Await(task, rule);
        return task.Result;
    }

    /// <summary>Waits for the end of a task, whichever it is.</summary>
    public static void Await(Task task, string rule)
    {
        var end = task.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (!end.Wait(Limit)) throw new FuzzFailure(rule, "it hangs");
    }
}
