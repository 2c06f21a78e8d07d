namespace Sluice;

/// <summary>
/// One received message as a stream, for messages that need not be in memory as a whole. Reading to the end (0 bytes)
/// or disposing ends it; the next message can be received only then. Not thread-safe.
/// </summary>
public sealed class MessageReader : Stream
{
    private readonly ReceiveLoop _loop;
    private readonly Message _whole;
    private int _position;
    private bool _ended;

    internal MessageReader(ReceiveLoop loop, Message start)
    {
        _loop = loop;
        _whole = start;
        Type = start.Type;
    }

    /// <summary>Text or binary. Text is checked as it is read: what has come so far is valid UTF-8, or its beginning.</summary>
    public MessageType Type { get; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <summary>Not known before the end.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not to be had.</summary>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads what is there, or waits for more.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="cancellationToken">Cancelling leaves the connection, and this message, usable.</param>
    /// <returns>How many bytes; 0 at the end of the message.</returns>
    /// <exception cref="WebSocketClosedException">The connection ended before the message did.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || buffer.Length == 0) return 0;
        if (_whole.HasBuffer) return ReadWhole(buffer.Span);
        var length = await _loop.ReadChunkAsync(this, buffer, cancellationToken).ConfigureAwait(false);
        _ended = length == 0;
        return length;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
        => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <summary>Does nothing.</summary>
    public override void Flush()
    {
    }

    /// <summary>Not to be had.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not to be had.</summary>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Not to be had.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Passes over what is left of the message.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended)
        {
            _ended = true;
            if (_whole.HasBuffer) _whole.Dispose();
            else _loop.Abandon(this);
        }
        base.Dispose(disposing);
    }

    private int ReadWhole(Span<byte> buffer)
    {
        var rest = _whole.Payload.Span[_position..];
        var length = Math.Min(rest.Length, buffer.Length);
        rest[..length].CopyTo(buffer);
        _position += length;
        if (length > 0) return length;
        _ended = true;
        _whole.Dispose();
        return 0;
    }
}
