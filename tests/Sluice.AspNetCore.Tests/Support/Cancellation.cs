namespace Sluice.AspNetCore.Tests.Support;

/// <summary>A handler that waits to be told that it is over.</summary>
internal static class Cancellation
{
    /// <summary>Cancelled when the token is; nothing else ends it.</summary>
    public static Task UntilCanceled(this CancellationToken token)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        token.UnsafeRegister(static (state, cause) => ((TaskCompletionSource)state!).TrySetCanceled(cause), source);
        return source.Task;
    }
}
