namespace Sluice.Transport.Epoll.Tests.Support;

/// <summary>Keeps a test that went wrong from hanging; no test measures by it.</summary>
internal static class Guard
{
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(60);

    public static Task Guarded(this Task task) => task.WaitAsync(Time);

    public static Task<T> Guarded<T>(this Task<T> task) => task.WaitAsync(Time);

    public static Task<T> Guarded<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Time);

    public static Task Guarded(this ValueTask task) => task.AsTask().WaitAsync(Time);

    /// <summary>What awaiting it throws. (A task would turn an abort, which is a cancellation by type, into one without its message.)</summary>
    public static async Task<T> ErrorAsync<T, TResult>(this ValueTask<TResult> task)
        where T : Exception
    {
        return await CatchAsync().Guarded();

        async Task<T> CatchAsync()
        {
            try
            {
                await task;
            }
            catch (T e)
            {
                return e;
            }
            throw new InvalidOperationException($"{typeof(T).Name} expected");
        }
    }
}
