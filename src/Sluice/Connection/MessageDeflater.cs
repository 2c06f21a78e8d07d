using Sluice.Compression;
using Sluice.Protocol;

namespace Sluice;

/// <summary>
/// Compresses what one connection sends (RFC 7692 §7.2.1). Everything is called with <see cref="Gate"/> held, except
/// <see cref="End"/>: the order in which messages pass the compressor must be their order on the wire.
/// </summary>
internal sealed class MessageDeflater
{
    private readonly CodecPool<Deflater> _pool;
    private readonly DeflaterSettings _settings;
    private readonly bool _keepsContext;
    private readonly CompressionOptions _options;
    private Deflater? _deflater; // held by the connection (context takeover), or by a message that is sent in parts
    private bool _tailOwed; // the last part's 00 00 FF FF was held back
    private bool _forget; // another compressor's message went out
    private volatile bool _ended;

    public MessageDeflater(DeflateAgreement agreement, Role role)
    {
        _options = agreement.Options;
        _keepsContext = !agreement.NoContextTakeover(role);
        _settings = _options.DeflaterFor(agreement.MaxWindowBits(role));
        _pool = Codecs.DeflatersFor(_settings);
    }

    /// <summary>Held by whoever sends data, before the output's gate and never behind it. Compressing takes its time: what
    /// else the output does goes on meanwhile.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Whether the connection holds a compressor, and with it the memory of one. Needs no gate.</summary>
    public bool HoldsCompressor => Volatile.Read(ref _deflater) is not null;

    /// <summary>Whether a whole message of this size is compressed.</summary>
    public bool Takes(int length) => length >= _options.Threshold;

    /// <summary>Whether messages sent in parts are compressed.</summary>
    public bool TakesParts => _options.CompressStreams;

    /// <summary>The message compressed by itself, once for all connections with such a compressor;
    /// <see langword="null"/> when it is not worth it. Needs no gate.</summary>
    public DeflatedMessage? Prepare(PreparedMessage message)
        => Takes(message.Payload.Length) ? message.Deflate(_pool, _settings) : null;

    /// <summary>Compresses a whole message.</summary>
    /// <returns>Nothing when it is better sent as it is.</returns>
    public DeflatedPayload Deflate(ReadOnlySpan<byte> payload)
    {
        if (payload.IsEmpty) return DeflatedPayload.OfNothing();
        var deflater = Take();
        DeflatedPayload deflated = default;
        try
        {
            deflated.Compress(deflater, payload, forget: !_keepsContext);
        }
        catch
        {
            deflated.Return();
            Drop();
            deflater.Dispose();
            throw;
        }
        if (_keepsContext) return deflated; // the compressor has seen the message, so the peer's decompressor must
        Codecs.Return(_pool, deflater);
        if (deflated.Length < payload.Length) return deflated;
        deflated.Return();
        return default;
    }

    /// <summary>Compresses a part of a message.</summary>
    /// <param name="payload">The part; may be empty.</param>
    /// <param name="first">Whether the message begins.</param>
    /// <param name="last">Whether it ends.</param>
    public DeflatedPayload DeflatePart(ReadOnlySpan<byte> payload, bool first, bool last)
    {
        if (first) _tailOwed = false;
        DeflatedPayload deflated = default;
        if (!payload.IsEmpty) deflated = DeflatePart(payload);
        else if (last && !_tailOwed) deflated = DeflatedPayload.OfNothing();
        if (last) EndParts();
        return deflated;
    }

    private DeflatedPayload DeflatePart(ReadOnlySpan<byte> payload)
    {
        DeflatedPayload deflated = default;
        try
        {
            _deflater = Take();
            // The parts together are one stream: only its very end is cut off (§7.2.1).
            if (_tailOwed) deflated.AddTail();
            deflated.Compress(_deflater, payload, forget: false);
            _tailOwed = true;
            return deflated;
        }
        catch
        {
            deflated.Return();
            Drop();
            throw;
        }
    }

    /// <summary>A message that was sent in parts ends, or is given up.</summary>
    public void EndParts()
    {
        if (_keepsContext || _deflater is not { } deflater) return;
        _deflater = null;
        Codecs.Return(_pool, deflater);
    }

    /// <summary>A message goes out that this compressor has not seen: from here on distances would lead astray.</summary>
    public void Forget() => _forget = true;

    /// <summary>The connection is over. May be called at any time.</summary>
    public void End()
    {
        _ended = true;
        // Without context takeover it is lent, and goes back when its message ends.
        if (_keepsContext) Volatile.Read(ref _deflater)?.Dispose();
    }

    private Deflater Take()
    {
        if (_deflater is { } kept)
        {
            if (_forget) kept.Forget();
            _forget = false;
            return kept;
        }
        _forget = false;
        var deflater = Codecs.Take(_pool, _settings);
        if (!_keepsContext) return deflater;
        Volatile.Write(ref _deflater, deflater);
        if (_ended) deflater.Dispose(); // its next use is refused
        return deflater;
    }

    private void Drop()
    {
        _deflater?.Dispose();
        _deflater = null;
    }
}
