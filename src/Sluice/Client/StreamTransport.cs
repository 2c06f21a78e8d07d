using System.IO.Pipelines;

namespace Sluice;

/// <summary>The connection's bytes, both ways, as the stream that an upgraded HTTP response has.</summary>
internal sealed class StreamTransport(Stream stream) : IDuplexPipe
{
    // A full TLS record, and more than the HTTP connection's own buffer, so that reads and writes go past that.
    private const int BufferSize = 16 * 1024;

    // Waiting for bytes with an empty buffer first: an idle connection holds none.
    private static readonly StreamPipeReaderOptions ReaderOptions = new(
        bufferSize: BufferSize, minimumReadSize: BufferSize / 4, leaveOpen: true, useZeroByteReads: true);

    private static readonly StreamPipeWriterOptions WriterOptions = new(minimumBufferSize: BufferSize, leaveOpen: true);

    public PipeReader Input { get; } = PipeReader.Create(stream, ReaderOptions);

    public PipeWriter Output { get; } = PipeWriter.Create(stream, WriterOptions);
}
