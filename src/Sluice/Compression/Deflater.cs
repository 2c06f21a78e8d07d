using System.Runtime.InteropServices;

namespace Sluice.Compression;

/// <summary>How a compressor is made. Two with the same settings are interchangeable once they have no context.</summary>
/// <param name="WindowBits">8 to 15, as agreed.</param>
/// <param name="Level">0 to 9.</param>
/// <param name="MemoryLevel">1 to 9.</param>
internal readonly record struct DeflaterSettings(int WindowBits, int Level, int MemoryLevel);

/// <summary>
/// One raw DEFLATE stream of zlib's. Used by one thread at a time; disposing is safe at any time, as it waits for a
/// call under way.
/// </summary>
internal sealed unsafe class Deflater : SafeHandle
{
    // zlib takes no raw stream of 8 bits. At 9 its matches reach back 512 - 262 = 250 bytes at most (a match of 258
    // with room to look ahead must fit), which a window of 256 holds.
    private const int SmallestWindow = 9;

    private bool _hasContext;

    /// <exception cref="InvalidOperationException">There is no memory for it.</exception>
    public Deflater(DeflaterSettings settings)
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        Settings = settings;
        var stream = default(ZLib.ZStream);
        var result = ZLib.DeflateInit(
            &stream, settings.Level, ZLib.Deflated, -Math.Max(SmallestWindow, settings.WindowBits), settings.MemoryLevel, ZLib.DefaultStrategy);
        if (result != ZLib.Ok) throw ZLib.Failure("make a compressor", result);
        SetHandle(stream.State);
    }

    public DeflaterSettings Settings { get; }

    public override bool IsInvalid => handle == 0;

    /// <summary>Compresses all of the input up to a byte boundary, so that a decompressor can tell all of it: what comes
    /// out ends with an empty block without compression (00 00 FF FF).</summary>
    /// <param name="input">What to compress; what was taken is cut off.</param>
    /// <param name="output">Where to, at least 16 bytes.</param>
    /// <param name="forget">Whether what follows may not refer to anything before (no context takeover).</param>
    /// <param name="written">How many bytes came out.</param>
    /// <returns>Whether that was all: if not, call again with more room.</returns>
    public bool Deflate(ref ReadOnlySpan<byte> input, scoped Span<byte> output, bool forget, out int written)
    {
        _hasContext = !forget;
        return Run(ref input, output, forget ? ZLib.FullFlush : ZLib.SyncFlush, out written);
    }

    /// <summary>From here on nothing refers to what came before.</summary>
    public void Forget()
    {
        if (!_hasContext) return;
        // What comes out is an empty block, which nobody needs: the stream stands at a byte boundary before it and behind it.
        Span<byte> scratch = stackalloc byte[32];
        var nothing = ReadOnlySpan<byte>.Empty;
        while (!Deflate(ref nothing, scratch, forget: true, out _))
        {
        }
    }

    protected override bool ReleaseHandle()
    {
        var stream = new ZLib.ZStream { State = handle };
        return ZLib.DeflateEnd(&stream) is ZLib.Ok or ZLib.DataError; // the latter: input was left
    }

    private bool Run(ref ReadOnlySpan<byte> input, scoped Span<byte> output, int flush, out int written)
    {
        var held = false;
        try
        {
            DangerousAddRef(ref held);
            fixed (byte* source = input, destination = output)
            {
                var empty = default(byte);
                var stream = new ZLib.ZStream
                {
                    Input = source is null ? &empty : source,
                    InputLength = (uint)input.Length,
                    Output = destination,
                    OutputLength = (uint)output.Length,
                    State = handle,
                };
                var result = ZLib.Deflate(&stream, flush);
                // The latter: there was nothing to do, as at the second flush in a row.
                if (result is not (ZLib.Ok or ZLib.BufferError)) throw ZLib.Failure("compress", result);
                input = input[^(int)stream.InputLength..];
                written = output.Length - (int)stream.OutputLength;
                return stream.OutputLength > 0;
            }
        }
        finally
        {
            if (held) DangerousRelease();
        }
    }
}
