namespace Sluice.Compression;

/// <summary>
/// Whether and how messages are compressed with permessage-deflate (RFC 7692). Immutable; one instance may serve many
/// connections. A peer must agree, else messages go as they are.
/// </summary>
/// <remarks>
/// Not on by default, as it costs time and memory for each connection, and because a message that holds a secret beside
/// what an attacker can choose tells the secret by its length (CRIME, BREACH). The memory of each setting, measured, stands
/// in docs/options.md. Where the runtime comes without zlib (<see cref="IsSupported"/>), nothing is offered or agreed to.
/// </remarks>
public sealed record CompressionOptions
{
    /// <summary>Context takeover in both directions, a window of 8 KiB for what is sent, level 7.</summary>
    public static CompressionOptions Default { get; } = new();

    /// <summary>Whether this runtime can compress.</summary>
    public static bool IsSupported => ZLib.IsAvailable;

    /// <summary>Whether what the server sends may refer to its earlier messages, when the client allows it. Default: yes.
    /// That makes small messages much smaller, and holds a compressor for each connection from its first compressed message
    /// on, where otherwise one is lent from a pool for each message; for the client a decompressor.</summary>
    public bool ServerContextTakeover { get; init; } = true;

    /// <summary>The same for what the client sends. Default: yes.</summary>
    public bool ClientContextTakeover { get; init; } = true;

    /// <summary>The most that the server's compressor may use as its window, in bits: 8 (256 bytes) to 15 (32 KiB).
    /// Default 15. A server agrees to less if a client asks for it; a client asks for this much, and takes what it gets from a
    /// server that can't limit itself.</summary>
    public int ServerMaxWindowBits { get; init => field = InRange(value, 8, 15, nameof(ServerMaxWindowBits)); } = 15;

    /// <summary>The same for the client's compressor. Default 15. A server can ask for less only when the client's offer says
    /// that it can be limited.</summary>
    public int ClientMaxWindowBits { get; init => field = InRange(value, 8, 15, nameof(ClientMaxWindowBits)); } = 15;

    /// <summary>The window that this side's own compressor uses, in bits, as far as was agreed to: how far back a message may
    /// refer. Default 13 (8 KiB): with very many connections a larger one costs more time than it saves bytes, as it does not
    /// stay in the processor's cache. The peer need not know.</summary>
    public int WindowBits { get; init => field = InRange(value, 8, 15, nameof(WindowBits)); } = 13;

    /// <summary>zlib's level, 0 (stored) to 9 (smallest). Default 7.</summary>
    public int Level { get; init => field = InRange(value, 0, 9, nameof(Level)); } = 7;

    /// <summary>zlib's memory level, 1 to 9: the compressor's memory beside its window. Default 5: more makes only messages of
    /// many kilobytes smaller, by little.</summary>
    public int MemoryLevel { get; init => field = InRange(value, 1, 9, nameof(MemoryLevel)); } = 5;

    /// <summary>A message of fewer bytes is sent as it is. Default 256; 0 compresses even an empty one.</summary>
    public int Threshold { get; init => field = InRange(value, 0, int.MaxValue, nameof(Threshold)); } = 256;

    /// <summary>Whether messages that are sent in parts (<see cref="WebSocketConnection.OpenMessageAsync"/>) are compressed, part
    /// by part. Default: yes. Turn it off for peers that fail on a compressed message of several frames, as Safari did; a message
    /// that is sent whole is always one frame.</summary>
    public bool CompressStreams { get; init; } = true;

    internal DeflaterSettings DeflaterFor(int agreedBits) => new(Math.Min(agreedBits, WindowBits), Level, MemoryLevel);

    private static int InRange(int value, int least, int most, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least, name);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most, name);
        return value;
    }
}
