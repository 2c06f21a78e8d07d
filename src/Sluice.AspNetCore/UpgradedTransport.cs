using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Sluice.AspNetCore;

/// <summary>The bytes behind a 101: the transport's own pipes, or a stream where a server has no pipes to give.</summary>
internal sealed class UpgradedTransport : IDuplexPipe
{
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 16 * 1024, leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions WriterOptions = new(leaveOpen: false);

    private UpgradedTransport(PipeReader input, PipeWriter output)
    {
        Input = input;
        Output = output;
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>Behind an upgrade. The transport's own pipes carry the bytes after the 101, those that came right behind the
    /// request among them. Only over HTTP/1.1: over HTTP/2 the same feature is the connection that all streams share.</summary>
    public static UpgradedTransport Of(HttpContext context, Stream stream)
    {
        if (HttpProtocol.IsHttp11(context.Request.Protocol)
            && context.Features.Get<IConnectionTransportFeature>() is { Transport: var transport })
        {
            return new UpgradedTransport(transport.Input, transport.Output);
        }
        return Of(stream, static () => { });
    }

    /// <summary>Behind an extended CONNECT: one stream of the connection.</summary>
    public static UpgradedTransport Of(Stream stream, Action onOutputEnd)
        => new(PipeReader.Create(stream, ReaderOptions), PipeWriter.Create(new OutgoingStream(stream, onOutputEnd), WriterOptions));
}
