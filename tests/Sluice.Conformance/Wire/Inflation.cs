using Sluice.Tests.Compression;

namespace Sluice.Conformance.Wire;

/// <summary>Reads what one connection compressed, by a decoder that shares nothing with zlib (RFC 7692 §7.2.2). It knows no
/// window: it tells how far back the messages referred. Only whole messages in one frame.</summary>
internal sealed class Inflation(Side sender, string? agreement)
{
    private static readonly byte[] Tail = [0x00, 0x00, 0xff, 0xff];

    private readonly bool _keepsContext = agreement?.Contains(
        sender == Side.Client ? "client_no_context_takeover" : "server_no_context_takeover", StringComparison.Ordinal) == false;

    private readonly List<byte> _before = [];
    private int _read;

    /// <summary>The longest way back of any match so far.</summary>
    public int FarthestMatch { get; private set; }

    /// <summary>The frame as it would have come without compression.</summary>
    public Received Read(Received frame)
        => agreement is not null && (frame.First & 0x40) != 0 && frame.Opcode is 1 or 2
            ? frame with { First = (byte)(frame.First & ~0x40), Payload = Read(frame.Payload) }
            : frame;

    /// <summary>The message that these bytes are.</summary>
    public byte[] Read(byte[] payload)
    {
        if (!_keepsContext) (_read, _) = (0, _before.RemoveAll(static _ => true));
        _before.AddRange([.. payload, .. Tail]);
        var stream = new BitStream([.. _before]);
        var all = stream.Decode();
        FarthestMatch = Math.Max(FarthestMatch, stream.FarthestMatch);
        var message = all[_read..];
        _read = all.Length;
        return message;
    }
}
