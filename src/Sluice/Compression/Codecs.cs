namespace Sluice.Compression;

/// <summary>Where compressors and decompressors come from, and where they go. Thread-safe.</summary>
internal static class Codecs
{
    private static readonly CodecPool<Inflater> Inflaters = new();
    private static readonly Lock Gate = new();
    private static readonly Dictionary<DeflaterSettings, CodecPool<Deflater>> Deflaters = [];

    /// <summary>The pool for these settings; to be looked up once, not for each message.</summary>
    public static CodecPool<Deflater> DeflatersFor(DeflaterSettings settings)
    {
        lock (Gate)
        {
            // At most 8 x 10 x 9 settings.
            if (!Deflaters.TryGetValue(settings, out var pool)) Deflaters[settings] = pool = new CodecPool<Deflater>();
            return pool;
        }
    }

    /// <summary>A compressor without context.</summary>
    public static Deflater Take(CodecPool<Deflater> pool, DeflaterSettings settings) => pool.TryTake() ?? new Deflater(settings);

    public static void Return(CodecPool<Deflater> pool, Deflater deflater)
    {
        deflater.Forget(); // one connection's data must not help to compress another's
        pool.Return(deflater);
    }

    /// <summary>A decompressor with an empty window.</summary>
    public static Inflater TakeInflater()
    {
        if (Inflaters.TryTake() is not { } inflater) return new Inflater();
        inflater.Reset();
        return inflater;
    }

    public static void Return(Inflater inflater)
    {
        inflater.EndMessage();
        Inflaters.Return(inflater);
    }
}
