using System.Text;
using Sluice.Protocol;

namespace Sluice;

/// <summary>What a received message is.</summary>
public enum MessageType : byte
{
    /// <summary>The connection has ended; see <see cref="WebSocketConnection.CloseResult"/>.</summary>
    Close = Opcode.Close,

    /// <summary>Text: the payload is valid UTF-8.</summary>
    Text = Opcode.Text,

    /// <summary>Binary data.</summary>
    Binary = Opcode.Binary,
}

/// <summary>
/// A whole received message in a pooled buffer. Dispose it to give the buffer back; after that its members throw
/// <see cref="ObjectDisposedException"/>. Disposing twice does no harm, and one that is never disposed is left to
/// the garbage collector. Copies share the buffer. Reading is thread-safe; disposing while reading is not.
/// </summary>
public readonly struct Message : IDisposable
{
    private readonly MessageBuffer? _buffer;
    private readonly int _lease;

    internal Message(MessageType type, MessageBuffer? buffer)
    {
        Type = type;
        _buffer = buffer;
        _lease = buffer?.Lease ?? 0;
    }

    /// <summary>Text, binary, or the end of the connection.</summary>
    public MessageType Type { get; }

    /// <summary>Whether this is text.</summary>
    public bool IsText => Type == MessageType.Text;

    /// <summary>Whether this is the end of the connection and not a message. The payload is empty then.</summary>
    public bool IsClose => Type == MessageType.Close;

    /// <summary>The payload. The memory belongs to the message and is good until it is disposed.</summary>
    public ReadOnlyMemory<byte> Payload => _buffer is null ? default : _buffer.Read(_lease);

    /// <summary>The payload as a string. Allocates a new one on each call.</summary>
    public string Text => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>Gives the buffer back.</summary>
    public void Dispose() => _buffer?.Return(_lease);

    internal bool HasBuffer => _buffer is not null;

    internal static Message Closed => new(MessageType.Close, null);
}
