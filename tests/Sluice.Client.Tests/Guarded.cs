namespace Sluice.Client.Tests;

/// <summary>A wait that a test can't hang in.</summary>
internal static class Guarded
{
    public static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    public static Task Guarding(this Task task) => task.WaitAsync(Guard);

    public static Task<T> Guarding<T>(this Task<T> task) => task.WaitAsync(Guard);

    public static Task Guarding(this ValueTask task) => task.AsTask().WaitAsync(Guard);

    public static Task<T> Guarding<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Guard);
}
