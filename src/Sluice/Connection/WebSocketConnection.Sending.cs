using System.Buffers;
using System.Text;

namespace Sluice;

/// <summary>Everything that sends. All of it may be called from any thread, any number of times at once.</summary>
public sealed partial class WebSocketConnection
{
    /// <summary>Sends a text message.</summary>
    /// <param name="text">The text; a lone surrogate becomes U+FFFD.</param>
    /// <param name="cancellationToken">Heeded until the message is accepted; from then on it is sent.</param>
    /// <returns>Done when the transport has taken the message.</returns>
    /// <exception cref="WebSocketClosedException">The connection is closed or closing.</exception>
    public ValueTask SendAsync(string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        var buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        var length = Encoding.UTF8.GetBytes(text, buffer);
        var sending = SendAsync(MessageType.Text, buffer.AsMemory(0, length), cancellationToken);
        if (!sending.IsCompletedSuccessfully) return ReturnLater(sending, buffer);
        sending.GetAwaiter().GetResult();
        ArrayPool<byte>.Shared.Return(buffer);
        return default;
    }

    /// <summary>Sends a message.</summary>
    /// <param name="type">Text or binary.</param>
    /// <param name="payload">The payload. Of text it must be valid UTF-8, which is not checked: a peer would close with 1007.
    /// The memory is the caller's again when the task is done.</param>
    /// <param name="cancellationToken">Heeded until the message is accepted; from then on it is sent.</param>
    /// <returns>Done when the transport has taken the message. On the receive loop, while more messages wait there, done at
    /// once: one flush follows for all.</returns>
    /// <exception cref="WebSocketClosedException">The connection is closed or closing.</exception>
    /// <exception cref="ArgumentException">The type is neither text nor binary.</exception>
    public ValueTask SendAsync(MessageType type, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
        => Sender.SendAsync(type.ToOpcode(), payload, _loop.IsCorked, cancellationToken);

    /// <summary>Sends a binary message.</summary>
    /// <inheritdoc cref="SendAsync(MessageType, ReadOnlyMemory{byte}, CancellationToken)" path="/param|/returns|/exception"/>
    public ValueTask SendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken = default)
        => SendAsync(MessageType.Binary, payload, cancellationToken);

    /// <summary>Sends a received message on. It stays the caller's to dispose.</summary>
    /// <inheritdoc cref="SendAsync(MessageType, ReadOnlyMemory{byte}, CancellationToken)" path="/param|/returns|/exception"/>
    public ValueTask SendAsync(Message message, CancellationToken cancellationToken = default)
        => SendAsync(message.Type, message.Payload, cancellationToken);

    /// <summary>Sends a message that was encoded once for many receivers.</summary>
    /// <inheritdoc cref="SendAsync(MessageType, ReadOnlyMemory{byte}, CancellationToken)" path="/param|/returns|/exception"/>
    public ValueTask SendAsync(PreparedMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Sender.SendAsync(message, _loop.IsCorked, cancellationToken);
    }

    /// <summary>Queues a message without ever waiting: for senders that a slow reader must not hold up.</summary>
    /// <returns><see langword="false"/> when it was not taken: <see cref="ConnectionOptions.SendQueueLimit"/> is reached,
    /// a streamed message is under way, or the connection is closed or closing.</returns>
    public bool TrySend(PreparedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Sender.TrySend(message, _loop.IsCorked);
    }

    /// <inheritdoc cref="TrySend(PreparedMessage)"/>
    /// <param name="type">Text or binary.</param>
    /// <param name="payload">The payload; copied during the call. Of text it must be valid UTF-8.</param>
    public bool TrySend(MessageType type, ReadOnlyMemory<byte> payload) => Sender.TrySend(type.ToOpcode(), payload, _loop.IsCorked);

    /// <summary>Begins a message that is sent in parts. Other messages wait until it is disposed.</summary>
    /// <param name="type">Text or binary.</param>
    /// <param name="cancellationToken">Ends the wait for another streamed message to end.</param>
    /// <exception cref="WebSocketClosedException">The connection is closed or closing.</exception>
    public async ValueTask<MessageWriter> OpenMessageAsync(MessageType type, CancellationToken cancellationToken = default)
    {
        var stream = new MessageWriter(Sender, type);
        await Sender.BeginStreamAsync(stream, cancellationToken).ConfigureAwait(false);
        return stream;
    }

    private static async ValueTask ReturnLater(ValueTask sending, byte[] buffer)
    {
        try
        {
            await sending.ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
