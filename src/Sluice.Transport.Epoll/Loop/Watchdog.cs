namespace Sluice.Transport.Epoll;

/// <summary>
/// Looks every few milliseconds whether a callback holds up its turn: then what the turn has corked is written, and a loop
/// goes on with another thread. One thread for the process, which sleeps while nothing runs.
/// </summary>
internal static class Watchdog
{
    /// <summary>From one look to the next. A callback that both see holds up what its turn has corked, and its loop if it waits.</summary>
    public const int PeriodMilliseconds = 5;

    private const int QuietPeriods = 20;

    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<Turn>> Turns = [];
    private static readonly AutoResetEvent Alarm = new(initialState: false);
    private static volatile bool Asleep;
    private static bool Started;

    public static bool IsAsleep => Asleep;

    public static void Register(Turn turn)
    {
        lock (Gate)
        {
            Turns.Add(new WeakReference<Turn>(turn));
            if (Started) return;
            Started = true;
            new Thread(Watch) { IsBackground = true, Name = "Sluice epoll watchdog" }.UnsafeStart();
        }
    }

    public static void Wake()
    {
        Asleep = false;
        Alarm.Set();
    }

    private static void Watch()
    {
        var quiet = 0;
        while (true)
        {
            quiet = InspectAll() ? 0 : quiet + 1;
            if (quiet < QuietPeriods)
            {
                Thread.Sleep(PeriodMilliseconds);
                continue;
            }
            quiet = 0;
            Asleep = true;
            // A turn writes its step and then reads this flag, without a fence; the fence for both is here.
            Interlocked.MemoryBarrierProcessWide();
            if (!InspectAll()) Alarm.WaitOne();
            Asleep = false;
        }
    }

    private static bool InspectAll()
    {
        var any = false;
        lock (Gate)
        {
            for (var i = Turns.Count - 1; i >= 0; i--)
            {
                if (Turns[i].TryGetTarget(out var turn)) any |= turn.Inspect();
                else Turns.RemoveAt(i);
            }
        }
        return any;
    }
}
