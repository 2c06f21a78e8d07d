using System.IO.Pipelines;
using System.Net;
using System.Net.Http;
using Microsoft.AspNetCore.Http;

namespace Sluice.Proxy;

/// <summary>The client's body on its way to the backend: passed on and flushed piece by piece, never held.</summary>
/// <param name="request">Where the body comes from.</param>
/// <param name="length">Its length in bytes, or <see langword="null"/> when it is chunked.</param>
/// <param name="deadline">Runs while the backend is to take a piece, and once it has all.</param>
/// <param name="metrics">Counts the bytes.</param>
internal sealed class RequestBody(HttpRequest request, long? length, ResponseDeadline deadline, ProxyMetrics metrics) : HttpContent
{
    /// <summary>What went wrong on the client's side, if it was there.</summary>
    public Exception? ClientFailure { get; private set; }

    /// <inheritdoc/>
    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    /// <inheritdoc/>
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var reader = request.BodyReader;
        bool completed;
        do
        {
            deadline.Disarm(); // the client's turn; Kestrel's minimum data rate watches over it
            var result = await ReadAsync(reader, stream, cancellationToken).ConfigureAwait(false);
            deadline.Arm();
            completed = result.IsCompleted;
            foreach (var segment in result.Buffer) await stream.WriteAsync(segment, cancellationToken).ConfigureAwait(false);
            if (!result.Buffer.IsEmpty) await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            metrics.BytesToBackend(result.Buffer.Length);
            reader.AdvanceTo(result.Buffer.End);
        }
        while (!completed);
    }

    private async ValueTask<ReadResult> ReadAsync(PipeReader reader, Stream stream, CancellationToken cancellationToken)
    {
        var clientsTurn = true;
        try
        {
            if (reader.TryRead(out var ready)) return ready;
            clientsTurn = false;
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false); // the headers, which the backend need not wait for
            clientsTurn = true;
            return await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (clientsTurn)
        {
            ClientFailure = e;
            throw;
        }
    }

    /// <inheritdoc/>
    protected override bool TryComputeLength(out long computed)
    {
        computed = length ?? 0;
        return length is not null;
    }
}
