using System.Net.Sockets;

namespace Sluice;

/// <summary>A connection's bytes, with a way to know when something has left: HTTP/2 frames are written in the background.</summary>
internal sealed class DialledStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    private TaskCompletionSource? _awaited;

    /// <summary>Done after the next write that begins from now on, or the end of the stream.</summary>
    public Task NextWriteAsync()
    {
        var awaited = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (Interlocked.CompareExchange(ref _awaited, awaited, null) ?? awaited).Task;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var awaited = Interlocked.Exchange(ref _awaited, null);
        try
        {
            await base.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            awaited?.TrySetResult();
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Interlocked.Exchange(ref _awaited, null)?.TrySetResult();
    }
}
