using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// Decompresses what one connection receives (RFC 7692 §7.2.2), and counts while it does: a message stops at the limit,
/// not behind it. Used by the receive loop alone.
/// </summary>
internal sealed class MessageInflater(DeflateAgreement agreement, Role receiver, ConnectionOptions options)
{
    // What a compressed message may have beyond its limit: blocks without compression, flushes and empty fragments.
    private const long Slack = 64 * 1024;

    private Inflater? _inflater;
    private bool _begun;
    private long _deflated;
    private long _inflated;

    /// <summary>Whether a message may refer to those before it, so that none can be passed over unread.</summary>
    public bool KeepsContext { get; } = !agreement.NoContextTakeover(Other(receiver));

    /// <summary>Whether the connection holds a decompressor, and with it the memory of one.</summary>
    public bool HoldsDecompressor => Volatile.Read(ref _inflater) is not null;

    /// <summary>The most bytes that a message may have before it is inflated. What inflates to nothing is not counted by
    /// anything else.</summary>
    public long CompressedLimit { get; } =
        options.MaxMessageSize > (long.MaxValue - Slack) / 2 ? long.MaxValue : (2 * options.MaxMessageSize) + Slack;

    /// <summary>Whether the message under way is inflated as a whole.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>A compressed message begins.</summary>
    public void Begin()
    {
        _deflated = 0;
        _inflated = 0;
        IsFinished = false;
        _begun = false; // a decompressor is taken when somebody wants the message
    }

    /// <summary>Inflates what has come.</summary>
    /// <param name="input">Not masked any more; what was taken is cut off.</param>
    /// <param name="output">Where to, at least one byte.</param>
    /// <param name="most">The limit of this message in bytes.</param>
    /// <param name="written">How many came out.</param>
    /// <param name="more">Whether to call again, with room.</param>
    public ProtocolViolation? Inflate(ref ReadOnlySpan<byte> input, scoped Span<byte> output, long most, out int written, out bool more)
    {
        Span<byte> beyond = stackalloc byte[1];
        scoped var room = WithinLimit(output, beyond, most, out var isFull);
        var length = input.Length;
        var status = Open().Inflate(ref input, room, out written);
        _deflated += length - input.Length;
        return Count(status, isFull, ref written, out more);
    }

    /// <summary>Inflates what is left when all has come. Parameters as for <see cref="Inflate"/>.</summary>
    public ProtocolViolation? Finish(scoped Span<byte> output, long most, out int written, out bool more)
    {
        Span<byte> beyond = stackalloc byte[1];
        scoped var room = WithinLimit(output, beyond, most, out var isFull);
        var violation = Count(Open().Finish(room, out written), isFull, ref written, out more);
        IsFinished = violation is null && !more;
        return violation;
    }

    /// <summary>The message has ended, or the rest of it is of no interest.</summary>
    public void End()
    {
        if (_deflated > 0) options.Metrics.Inflated(_deflated, _inflated);
        _deflated = 0;
        if (KeepsContext || _inflater is not { } inflater) return;
        _inflater = null;
        Codecs.Return(inflater);
    }

    /// <summary>Nothing more is received.</summary>
    public void Drop()
    {
        if (_inflater is { } inflater) Codecs.Return(inflater);
        _inflater = null;
    }

    private Inflater Open()
    {
        if (_begun) return _inflater!;
        _begun = true;
        _inflater ??= Codecs.TakeInflater();
        _inflater.BeginMessage();
        return _inflater;
    }

    private static Role Other(Role role) => role == Role.Server ? Role.Client : Role.Server;

    // At the limit there is room for one byte more, to see whether it comes.
    private Span<byte> WithinLimit(Span<byte> output, Span<byte> beyond, long most, out bool isFull)
    {
        var left = most - _inflated;
        isFull = left <= 0;
        return isFull ? beyond : left < output.Length ? output[..(int)left] : output;
    }

    private ProtocolViolation? Count(InflateStatus status, bool isFull, ref int written, out bool more)
    {
        more = status == InflateStatus.OutputFull;
        if (isFull && written > 0)
        {
            written = 0;
            return ProtocolViolation.MessageTooBig;
        }
        _inflated += written;
        return status == InflateStatus.Corrupt ? ProtocolViolation.NotDeflated : null;
    }
}
