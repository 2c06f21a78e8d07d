using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice;

/// <summary>A prepared message, compressed by itself for all connections whose compressors are set alike. Immutable.</summary>
internal sealed class DeflatedMessage
{
    private readonly byte[] _frame = [];
    private readonly int _headerSize;

    /// <param name="opcode">Text or binary.</param>
    /// <param name="payload">The message.</param>
    /// <param name="pool">Lends the compressor.</param>
    /// <param name="settings">The compressor's.</param>
    /// <param name="next">The same message for other settings.</param>
    public DeflatedMessage(
        Opcode opcode, ReadOnlySpan<byte> payload, CodecPool<Deflater> pool, DeflaterSettings settings, DeflatedMessage? next)
    {
        Settings = settings;
        Next = next;
        var deflated = payload.IsEmpty ? DeflatedPayload.OfNothing() : Compress(payload, pool, settings);
        IsSmaller = deflated.Length < payload.Length || payload.IsEmpty;
        if (IsSmaller)
        {
            var header = new FrameHeader(opcode, deflated.Length, reserved: ReservedBits.Rsv1);
            _headerSize = header.Size;
            _frame = GC.AllocateUninitializedArray<byte>(_headerSize + deflated.Length);
            header.Write(_frame);
            deflated.Bytes.CopyTo(_frame.AsSpan(_headerSize));
        }
        deflated.Return();
    }

    public DeflaterSettings Settings { get; }

    /// <summary>Whether it is worth sending; else it has no bytes.</summary>
    public bool IsSmaller { get; }

    public DeflatedMessage? Next { get; }

    public ReadOnlySpan<byte> Payload => _frame.AsSpan(_headerSize);

    /// <summary>The whole frame as a server sends it.</summary>
    public ReadOnlySpan<byte> ServerFrame => _frame;

    private static DeflatedPayload Compress(ReadOnlySpan<byte> payload, CodecPool<Deflater> pool, DeflaterSettings settings)
    {
        var deflater = Codecs.Take(pool, settings);
        var deflated = default(DeflatedPayload);
        deflated.Compress(deflater, payload, forget: true);
        Codecs.Return(pool, deflater);
        return deflated;
    }
}
