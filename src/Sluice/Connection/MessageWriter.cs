using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// One message sent as a stream: every write is a fragment of its own, and disposing ends the message. Until then
/// other messages on this connection wait (RFC 6455 §5.4); pings, pongs and closes go between. Not thread-safe.
/// </summary>
public sealed class MessageWriter : Stream
{
    private readonly SendQueue _queue;
    private Opcode _opcode;
    private bool _ended;

    internal MessageWriter(SendQueue queue, MessageType type)
    {
        _queue = queue;
        _opcode = type.ToOpcode();
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => !_ended;

    /// <summary>Not to be had.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not to be had.</summary>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Sends a fragment: done when the transport has taken it.</summary>
    /// <param name="buffer">The fragment; of a text message, any part of its UTF-8. Not used after the task is done.</param>
    /// <param name="cancellationToken">Heeded until the fragment is accepted.</param>
    /// <exception cref="WebSocketClosedException">The connection is closed.</exception>
    /// <exception cref="ObjectDisposedException">The message was ended.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        if (buffer.IsEmpty) return;
        await _queue.SendFragmentAsync(this, _opcode, buffer, fin: false, cancellationToken).ConfigureAwait(false);
        _opcode = Opcode.Continuation;
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
        => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <summary>Does nothing: every write is flushed.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: every write is flushed.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Not to be had.</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Not to be had.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not to be had.</summary>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Ends the message. On a closed connection nothing is sent, and nothing thrown.</summary>
    public override async ValueTask DisposeAsync()
    {
        if (_ended) return;
        _ended = true;
        try
        {
            await _queue.SendFragmentAsync(this, _opcode, default, fin: true, CancellationToken.None).ConfigureAwait(false);
        }
        catch (WebSocketClosedException)
        {
            // The writes before have told, or nobody asked.
        }
        finally
        {
            _queue.EndStream(this);
        }
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended) DisposeAsync().AsTask().GetAwaiter().GetResult();
        base.Dispose(disposing);
    }
}
