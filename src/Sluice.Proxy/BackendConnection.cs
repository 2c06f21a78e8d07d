using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;

namespace Sluice.Proxy;

/// <summary>
/// A connection to the backend. First the HTTP handler reads and writes it as a stream; after a valid 101,
/// <see cref="TakeOverAsync"/> takes it out of the handler's hands, and from then on it is the backend end of a tunnel,
/// where the socket can be half-closed or reset, and an idle read holds no buffer.
/// </summary>
/// <remarks>One reader and one writer at a time; <see cref="Abort"/> from anywhere.</remarks>
internal sealed class BackendConnection(Socket socket, Stream stream) : Stream
{
    private bool _taken;
    private bool _sendingFailed;

    /// <summary>
    /// Ends the handler's use of the connection: what it has read beyond the 101 is returned, then it sees the end
    /// of the stream and lets go of its buffers.
    /// </summary>
    /// <param name="handlerStream">The content of the 101 response.</param>
    public async Task<ReadOnlyMemory<byte>> TakeOverAsync(Stream handlerStream)
    {
        _taken = true; // reads give 0 from here on, so this loop waits for nothing and ends with the handler's buffer
        var early = new ArrayBufferWriter<byte>();
        while (await handlerStream.ReadAsync(early.GetMemory()).ConfigureAwait(false) is var read and > 0) early.Advance(read);
        return early.WrittenCount > 0 ? early.WrittenMemory : default;
    }

    /// <summary>Waits until there is something to read, the end included, without holding a buffer. The result means nothing.</summary>
    public ValueTask<int> WaitAsync() => stream.ReadAsync(Memory<byte>.Empty);

    /// <summary>Reads for the tunnel; 0 at the end.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer) => stream.ReadAsync(buffer);

    /// <summary>Writes for the tunnel.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => stream.WriteAsync(bytes);

    /// <summary>Tells the backend that nothing more comes; reading goes on.</summary>
    public async Task EndSendingAsync()
    {
        if (stream is SslStream tls) await tls.ShutdownAsync().ConfigureAwait(false);
        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Ends the connection with a reset; pending calls fail.</summary>
    public void Abort() => socket.Close(timeout: 0);

    /// <summary>Ends the connection after a tunnel.</summary>
    public ValueTask CloseAsync() => stream.DisposeAsync();

    // From here on: the stream as the HTTP handler uses it.

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _taken ? ValueTask.FromResult(0) : stream.ReadAsync(buffer, cancellationToken);

    /// <summary>
    /// A backend that refuses a body early (413, 401) may answer, close and reset while we still write. The handler reads only
    /// after it has written all, so a failed write must not end the request: the answer is waiting to be read.
    /// Where there is none, the read fails in its turn.
    /// </summary>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_sendingFailed || _taken) return;
        try
        {
            await stream.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException)
        {
            _sendingFailed = true;
        }
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_taken) stream.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("asynchronous only");

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("asynchronous only");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
