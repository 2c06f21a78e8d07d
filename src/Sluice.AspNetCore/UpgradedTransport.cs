using System.IO.Pipelines;

namespace Sluice.AspNetCore;

/// <summary>The bytes behind a 101: the transport's own pipes, or the upgrade's stream where a server has no pipes to give.</summary>
internal sealed class UpgradedTransport : IDuplexPipe
{
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: 16 * 1024, leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions WriterOptions = new(leaveOpen: true);

    public UpgradedTransport(IDuplexPipe transport)
    {
        Input = transport.Input;
        Output = transport.Output;
    }

    public UpgradedTransport(Stream stream)
    {
        Input = PipeReader.Create(stream, ReaderOptions);
        Output = PipeWriter.Create(stream, WriterOptions);
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }
}
