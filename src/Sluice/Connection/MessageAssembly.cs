using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// The message under way: its limits, its UTF-8, its bytes as far as they must be kept. Pure but for the pooled
/// buffer. A mutable struct: keep it in a field.
/// </summary>
internal struct MessageAssembly(ConnectionOptions options, MessageInflater? inflater)
{
    private Utf8Validator _utf8;
    private MessageBuffer? _buffer;
    private MessageBuffer? _spare;
    private long _announced;
    private int _fragments;

    public MessageType Type { get; private set; }

    /// <summary>Whether the message is compressed: RSV1 of its first frame (RFC 7692 §6).</summary>
    public bool IsCompressed { get; private set; }

    /// <inheritdoc cref="MessageInflater.HoldsDecompressor"/>
    public readonly bool HoldsDecompressor => inflater is { HoldsDecompressor: true };

    /// <summary>Whether a compressed message that nobody wants must be inflated all the same, for those behind it.</summary>
    public readonly bool KeepsContext => inflater is { KeepsContext: true };

    /// <summary>Whether a compressed message is inflated as a whole.</summary>
    public readonly bool IsInflated => inflater!.IsFinished;

    /// <summary>Takes a data frame's header. The message limit holds from the announcement on.</summary>
    public ProtocolViolation? Begin(in FrameHeader header)
    {
        if (header.Opcode != Opcode.Continuation)
        {
            Type = (MessageType)header.Opcode;
            _announced = 0;
            _fragments = 0;
            _utf8.Reset();
            IsCompressed = header.Reserved != ReservedBits.None;
            if (IsCompressed) inflater!.Begin();
        }
        var limit = IsCompressed ? inflater!.CompressedLimit : options.MaxMessageSize;
        if (header.PayloadLength > limit - _announced) return ProtocolViolation.MessageTooBig;
        _announced += header.PayloadLength;
        return ++_fragments > options.MaxFragments ? ProtocolViolation.TooManyFragments : null;
    }

    /// <summary>Takes a message that has come whole, in one frame and not compressed: unmasks it where it lies.</summary>
    public ProtocolViolation? TakeWhole(Opcode opcode, Span<byte> payload, uint maskingKey)
    {
        Type = (MessageType)opcode;
        IsCompressed = false;
        if (payload.Length > options.MaxMessageSize) return ProtocolViolation.MessageTooBig;
        if (maskingKey != 0) Masking.Apply(payload, maskingKey, 0);
        return opcode == Opcode.Text && !Utf8.IsValid(payload) ? ProtocolViolation.TextNotUtf8 : null;
    }

    /// <summary>Whether the message, as far as announced, fits into one array.</summary>
    public readonly ProtocolViolation? CheckWhole() => !IsCompressed && _announced > Array.MaxLength ? ProtocolViolation.MessageTooBig : null;

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

    /// <summary>Inflates unmasked payload into the message's buffer.</summary>
    /// <param name="payload">The bytes that have come.</param>
    /// <param name="final">Whether they are the message's last.</param>
    public ProtocolViolation? Inflate(ReadOnlySpan<byte> payload, bool final = false)
    {
        var most = Math.Min(options.MaxMessageSize, Array.MaxLength);
        bool more;
        do
        {
            var room = Buffer().Room();
            var violation = final
                ? inflater!.Finish(room, most, out var written, out more)
                : inflater!.Inflate(ref payload, room, most, out written, out more);
            _buffer.Commit(written);
            // What came out in front of the fault has come first, however the bytes were cut.
            if ((Check(room[..written]) ?? violation) is { } wrong) return wrong;
        }
        while (more);
        return null;
    }

    /// <summary>Inflates unmasked payload of a streamed message into other memory.</summary>
    /// <param name="payload">The bytes that have come; what was taken is cut off.</param>
    /// <param name="destination">Where to, at least one byte.</param>
    /// <param name="final">Whether all has come.</param>
    /// <param name="written">How many bytes came out.</param>
    /// <param name="more">Whether there may be more.</param>
    public ProtocolViolation? InflateInto(
        ref ReadOnlySpan<byte> payload, Span<byte> destination, bool final, out int written, out bool more)
    {
        var violation = final
            ? inflater!.Finish(destination, options.MaxMessageSize, out written, out more)
            : inflater!.Inflate(ref payload, destination, options.MaxMessageSize, out written, out more);
        return Check(destination[..written]) ?? violation;
    }

    /// <summary>Inflates unmasked payload that nobody wants, for the sake of the messages behind it.</summary>
    public readonly ProtocolViolation? InflateAway(ReadOnlySpan<byte> payload, bool final = false)
    {
        Span<byte> scratch = stackalloc byte[1024];
        bool more;
        do
        {
            var violation = final
                ? inflater!.Finish(scratch, options.MaxMessageSize, out _, out more)
                : inflater!.Inflate(ref payload, scratch, options.MaxMessageSize, out _, out more);
            if (violation is not null) return violation;
        }
        while (more);
        return null;
    }

    /// <summary>The rest of a compressed message is of no interest, or there is none.</summary>
    public readonly void EndInflating() => inflater?.End();

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

    /// <summary>Nothing more is received: gives back what is held.</summary>
    public void Drop()
    {
        _buffer?.Return(_buffer.Lease);
        _buffer = null;
        inflater?.Drop();
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
