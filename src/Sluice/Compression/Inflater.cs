using System.Buffers;
using System.Runtime.InteropServices;

namespace Sluice.Compression;

/// <summary>What came of an attempt to inflate.</summary>
internal enum InflateStatus
{
    /// <summary>Everything that the input gives is out.</summary>
    Done,

    /// <summary>The output is full, and there may be more.</summary>
    OutputFull,

    /// <summary>This is no DEFLATE.</summary>
    Corrupt,
}

/// <summary>
/// One raw DEFLATE stream of zlib's, read message by message as RFC 7692 §7.2.2 has it. Used by one thread at a time;
/// disposing is safe at any time.
/// </summary>
internal sealed unsafe class Inflater : SafeHandle
{
    // What every compressor cut off (§7.2.1), and one byte that must be left over: that it is shows that the message ended
    // between two blocks, with nothing missing.
    private static ReadOnlySpan<byte> Tail => [0x00, 0x00, 0xFF, 0xFF, 0x00];

    // An empty block, which changes nothing where it stands at the beginning of a byte.
    private static ReadOnlySpan<byte> EmptyBlock => [0x00, 0x00, 0x00, 0xFF, 0xFF];

    // The largest, whatever was agreed: this zlib takes the same memory for all of them, and with a smaller one whether a way
    // back that is too long is noticed would depend on how the bytes were cut.
    private const int WindowBits = 15;

    // It stops between blocks; the shortest has ten bits, so that not many can end in what zlib holds and in the tail.
    private const int MostStops = 16;

    // The most that the tail can give, and some more: 40 bits and what zlib holds of a word of 64, in matches of 258 bytes, each
    // of which takes two bits or more.
    private const int MostOfTail = 16 * 1024;

    private int _tail; // bytes of it that were taken
    private byte[]? _rest; // what the tail gave, and found no room yet
    private int _restTaken;
    private int _restLength;
    private bool _atEnd; // right behind a block with BFINAL, or at a message's start: no tail belongs there

    /// <exception cref="InvalidOperationException">There is no memory for it.</exception>
    public Inflater()
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        var stream = default(ZLib.ZStream);
        var result = ZLib.InflateInit(&stream, -WindowBits);
        if (result != ZLib.Ok) throw ZLib.Failure("make a decompressor", result);
        SetHandle(stream.State);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        var stream = new ZLib.ZStream { State = handle };
        Reset(&stream);
    }

    /// <summary>A message begins. What came before stays in the window.</summary>
    public void BeginMessage()
    {
        _tail = 0;
        _atEnd = true;
        DropRest();
    }

    /// <summary>No more of the message is wanted.</summary>
    public void EndMessage() => DropRest();

    /// <summary>Inflates what is there of a message.</summary>
    /// <param name="input">The bytes; what was taken is cut off.</param>
    /// <param name="output">Where to, at least one byte.</param>
    /// <param name="written">How many came out.</param>
    public InflateStatus Inflate(ref ReadOnlySpan<byte> input, scoped Span<byte> output, out int written)
        => Run(ref input, output, ZLib.SyncFlush, out written);

    /// <summary>Inflates what is left once the whole message is in. Call again after <see cref="InflateStatus.OutputFull"/>.</summary>
    /// <param name="output">Where to, at least one byte.</param>
    /// <param name="written">How many came out.</param>
    public InflateStatus Finish(scoped Span<byte> output, out int written)
    {
        written = 0;
        if (_rest is null)
        {
            if (_tail == 0 && _atEnd) return InflateStatus.Done;
            if (output.Length >= MostOfTail) return FinishInto(output, out written);
            _rest = ArrayPool<byte>.Shared.Rent(MostOfTail);
            _restTaken = 0;
            if (FinishInto(_rest, out _restLength) == InflateStatus.Corrupt)
            {
                DropRest();
                return InflateStatus.Corrupt;
            }
        }
        written = Math.Min(output.Length, _restLength - _restTaken);
        _rest.AsSpan(_restTaken, written).CopyTo(output);
        _restTaken += written;
        if (_restTaken < _restLength) return InflateStatus.OutputFull;
        DropRest();
        return InflateStatus.Done;
    }

    // With room for all that can come: were the output full at the last byte of the tail, it could not be told whether the
    // message ended there or in the middle of a block.
    private InflateStatus FinishInto(scoped Span<byte> output, out int written)
    {
        written = 0;
        for (var stops = 0; _tail < Tail.Length - 1; stops++)
        {
            var rest = Tail[_tail..];
            var status = Run(ref rest, output[written..], ZLib.StopAtBlock, out var part);
            written += part;
            _tail = Tail.Length - rest.Length;
            if (status != InflateStatus.Done || rest.IsEmpty || stops == MostStops) return Cut(out written);
        }
        return _atEnd || IsAtByte() ? InflateStatus.Done : Cut(out written);
    }

    // What the tail gave in the middle of a block was never sent.
    private static InflateStatus Cut(out int written)
    {
        written = 0;
        return InflateStatus.Corrupt;
    }

    // A message that is cut may have its last block end within the last byte of the tail, of which the rest would then stand in
    // front of the next message: seven ones at most, which are no block, or the beginning of one with BFINAL.
    private bool IsAtByte()
    {
        var probe = EmptyBlock;
        Span<byte> none = stackalloc byte[1];
        return Run(ref probe, none, ZLib.StopAtBlock, out var written) == InflateStatus.Done && probe.IsEmpty && written == 0 && !_atEnd;
    }

    private void DropRest()
    {
        if (_rest is not null) ArrayPool<byte>.Shared.Return(_rest);
        _rest = null;
    }

    protected override bool ReleaseHandle()
    {
        var stream = new ZLib.ZStream { State = handle };
        return ZLib.InflateEnd(&stream) == ZLib.Ok;
    }

    private InflateStatus Run(ref ReadOnlySpan<byte> input, scoped Span<byte> output, int flush, out int written)
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
                var status = Run(&stream, flush);
                input = input[^(int)stream.InputLength..];
                written = output.Length - (int)stream.OutputLength;
                return status;
            }
        }
        finally
        {
            if (held) DangerousRelease();
        }
    }

    private InflateStatus Run(ZLib.ZStream* stream, int flush)
    {
        while (true)
        {
            var (input, output) = (stream->InputLength, stream->OutputLength);
            switch (ZLib.Inflate(stream, flush))
            {
                case ZLib.Ok or ZLib.BufferError: // the latter: nothing left to do
                    if (stream->InputLength != input || stream->OutputLength != output) _atEnd = false;
                    return stream->OutputLength == 0 ? InflateStatus.OutputFull : InflateStatus.Done;
                case ZLib.StreamEnd:
                    // A block with BFINAL (§7.2.3.4): what follows begins anew, at a byte boundary.
                    Reset(stream);
                    _atEnd = true;
                    if (stream->InputLength == 0) return InflateStatus.Done;
                    if (stream->OutputLength == 0) return InflateStatus.OutputFull;
                    break;
                default:
                    return InflateStatus.Corrupt;
            }
        }
    }

    private static void Reset(ZLib.ZStream* stream)
    {
        var result = ZLib.InflateReset(stream, -WindowBits);
        if (result != ZLib.Ok) throw ZLib.Failure("reset a decompressor", result);
    }
}
