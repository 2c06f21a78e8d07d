using System.Text;
using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// A message encoded once, to be sent to many connections (as gorilla's <c>PreparedMessage</c>). Immutable and
/// thread-safe. A server's connections share its bytes; a client's mask them afresh for each send (RFC 6455 §5.3).
/// </summary>
/// <remarks>Where compression was agreed it is compressed once for all connections with the same window and options, by
/// itself: it refers to no message before it, whatever the agreement allows. The next message of the connection's own then
/// does not either.</remarks>
public sealed class PreparedMessage
{
    private readonly byte[] _frame;
    private readonly int _headerSize;
    private DeflatedMessage? _deflated;

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

    /// <summary>The message compressed; <see langword="null"/> when that makes it no smaller.</summary>
    internal DeflatedMessage? Deflate(CodecPool<Deflater> pool, DeflaterSettings settings)
    {
        var first = Volatile.Read(ref _deflated);
        for (var known = first; known is not null; known = known.Next)
        {
            if (known.Settings == settings) return known.IsSmaller ? known : null;
        }
        var made = new DeflatedMessage(Type.ToOpcode(), Payload.Span, pool, settings, first);
        // Two at once may both compress it; one of the results is kept.
        Interlocked.CompareExchange(ref _deflated, made, first);
        return made.IsSmaller ? made : null;
    }
}
