namespace Sluice.Shared;

/// <summary>Waiting for a token to be cancelled.</summary>
internal static class Cancellation
{
    /// <summary>Cancelled when the token is; nothing else ends it.</summary>
    public static Task UntilCanceled(this CancellationToken token)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        token.UnsafeRegister(static (state, cause) => ((TaskCompletionSource)state!).TrySetCanceled(cause), source);
        return source.Task;
    }

    /// <summary>Ends, and does not fail, when the token is cancelled.</summary>
    public static async Task WhenCanceled(this CancellationToken token)
        => await token.UntilCanceled().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
