using System.Text;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// A message encoded once, to be sent to many connections (as gorilla's <c>PreparedMessage</c>). Immutable and
/// thread-safe. A server's connections share its bytes; a client's mask them afresh for each send (RFC 6455 §5.3).
/// </summary>
public sealed class PreparedMessage
{
    private readonly byte[] _frame;
    private readonly int _headerSize;

    /// <summary>Prepares a message.</summary>
    /// <param name="type">Text or binary.</param>
    /// <param name="payload">The payload, for text valid UTF-8; it is copied.</param>
    /// <exception cref="ArgumentException">The type is neither text nor binary, or text is not UTF-8.</exception>
    public PreparedMessage(MessageType type, ReadOnlySpan<byte> payload)
    {
        Type = type;
        var header = new FrameHeader(type.ToOpcode(payload), payload.Length);
        _headerSize = header.Size;
        _frame = GC.AllocateUninitializedArray<byte>(_headerSize + payload.Length);
        header.Write(_frame);
        payload.CopyTo(_frame.AsSpan(_headerSize));
    }

    /// <summary>Prepares a text message.</summary>
    public PreparedMessage(string text)
        : this(MessageType.Text, Encoding.UTF8.GetBytes(text))
    {
    }

    /// <summary>Text or binary.</summary>
    public MessageType Type { get; }

    /// <summary>The payload; not to be changed.</summary>
    public ReadOnlyMemory<byte> Payload => _frame.AsMemory(_headerSize);

    /// <summary>The whole frame as a server sends it.</summary>
    internal ReadOnlySpan<byte> ServerFrame => _frame;
}
