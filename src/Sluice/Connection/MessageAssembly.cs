using System.Diagnostics.CodeAnalysis;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// The message under way: its limits, its UTF-8, its bytes as far as they must be kept. Pure but for the pooled
/// buffer. A mutable struct: keep it in a field.
/// </summary>
internal struct MessageAssembly(ConnectionOptions options)
{
    private Utf8Validator _utf8;
    private MessageBuffer? _buffer;
    private MessageBuffer? _spare;
    private long _announced;
    private int _fragments;

    public MessageType Type { get; private set; }

    /// <summary>Takes a data frame's header. The message limit holds from the announcement on.</summary>
    public ProtocolViolation? Begin(in FrameHeader header)
    {
        if (header.Opcode != Opcode.Continuation)
        {
            Type = (MessageType)header.Opcode;
            _announced = 0;
            _fragments = 0;
            _utf8.Reset();
        }
        if (header.PayloadLength > options.MaxMessageSize - _announced) return ProtocolViolation.MessageTooBig;
        _announced += header.PayloadLength;
        return ++_fragments > options.MaxFragments ? ProtocolViolation.TooManyFragments : null;
    }

    /// <summary>Whether the message, as far as announced, fits into one array.</summary>
    public readonly ProtocolViolation? CheckWhole() => _announced > Array.MaxLength ? ProtocolViolation.MessageTooBig : null;

    /// <summary>Unmasks payload where it lies.</summary>
    public ProtocolViolation? TakeInPlace(Span<byte> payload, in FrameHeader header)
    {
        if (header.Masked) Masking.Apply(payload, header.MaskingKey, 0);
        return Check(payload);
    }

    /// <summary>Unmasks payload into a caller's memory.</summary>
    public ProtocolViolation? TakeInto(ReadOnlySpan<byte> payload, Span<byte> destination, in FrameHeader header, long offset)
    {
        if (header.Masked) Masking.Apply(payload, destination, header.MaskingKey, (int)(offset & 3));
        else payload.CopyTo(destination);
        return Check(destination[..payload.Length]);
    }

    /// <summary>Unmasks payload into the message's buffer.</summary>
    /// <param name="payload">The bytes that have come.</param>
    /// <param name="header">Their frame.</param>
    /// <param name="offset">Where they stand in the frame's payload.</param>
    public ProtocolViolation? Append(ReadOnlySpan<byte> payload, in FrameHeader header, long offset)
        => TakeInto(payload, Buffer().Append(payload.Length, header.PayloadLength - offset), header, offset);

    /// <summary>Ends the message: its text must not stop inside a character (§8.1).</summary>
    public readonly ProtocolViolation? End()
        => Type == MessageType.Text && !_utf8.IsComplete ? ProtocolViolation.TextNotUtf8 : null;

    /// <summary>The assembled message; it owns the buffer now.</summary>
    public Message ToMessage()
    {
        var message = new Message(Type, Buffer());
        _buffer = null;
        return message;
    }

    /// <summary>Gives back what an unfinished message holds.</summary>
    public void Drop()
    {
        _buffer?.Return(_buffer.Lease);
        _buffer = null;
    }

    private ProtocolViolation? Check(ReadOnlySpan<byte> payload)
        => Type == MessageType.Text && !_utf8.TryAppend(payload) ? ProtocolViolation.TextNotUtf8 : null;

    [MemberNotNull(nameof(_buffer))]
    private MessageBuffer Buffer()
    {
        if (_buffer is not null) return _buffer;
        // The object is kept for the next message; one that its receiver still holds is left to it.
        if (_spare is null || !_spare.IsFree) _spare = new MessageBuffer();
        _spare.Take();
        return _buffer = _spare;
    }
}
