namespace Sluice.Conformance.Wire;

/// <summary>Keeps a test that went wrong from hanging; no test measures by it.</summary>
internal static class Guarding
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    public static Task Guarded(this Task task) => task.WaitAsync(Guard);

    public static Task<T> Guarded<T>(this Task<T> task) => task.WaitAsync(Guard);

    public static Task<T> Guarded<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Guard);

    public static Task Guarded(this ValueTask task) => task.AsTask().WaitAsync(Guard);
}
