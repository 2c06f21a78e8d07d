using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Compression;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;

namespace Sluice.Fuzz.Targets.Deflating;

/// <summary>
/// Messages through the compressor with every setting: this library's decompressor, DeflateStream and the reference, which
/// holds it to its window, give them back.
/// </summary>
internal sealed class RoundTrips : Target
{
    private const int Longest = 128 * 1024;

    public override string Name => "deflate";

    public override Gen<byte[]> Inputs
        => from settings in Bytes.Exactly(5)
           from rooms in Bytes.Chunks
           from contents in Gen.Choose(1, 4).SelectMany(count => Deflated.Content.ArrayOf(count))
           from kinds in Bytes.Exactly(contents.Length * 2)
           select (byte[])[.. settings, .. rooms, .. contents.SelectMany((content, i) =>
               (byte[])[kinds[2 * i], kinds[(2 * i) + 1], .. Bytes.AsBlock(content.Length < 65536 ? content : content[..65535])])];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var settings = new DeflaterSettings(8 + reader.Below(8), reader.Below(10), 1 + reader.Below(9));
        var keeps = reader.Flag();
        var parts = reader.Flag();
        var rooms = reader.Chunks();
        trace.Note(1, (settings.WindowBits << 8) | (settings.Level << 4) | settings.MemoryLevel);

        var contents = new List<byte[]>();
        do contents.Add(Content(reader, contents));
        while (!reader.IsAtEnd && contents.Count < 8);
        using var deflater = new Deflater(settings);
        using var inflater = new Inflater();
        var reference = new ReferenceInflate(settings.WindowBits, Longest * 2);
        var (all, stream) = (new List<byte>(), new List<byte>());
        foreach (var content in contents)
        {
            var message = Compress(deflater, content, forget: !keeps, rooms, parts);
            trace.NoteSize(2, message.Length);
            FuzzFailure.Unless(message.Length <= content.Length + (content.Length / 4) + 64, "compressing makes nothing much longer");
            if (!keeps) reference = new ReferenceInflate(settings.WindowBits, Longest * 2);
            if (!keeps) inflater.Reset();
            FuzzFailure.UnlessSameBytes(Inflate(inflater, message, rooms), content, "inflating gives the message back");
            if (!reference.TryInflate(message, out var output)) throw new FuzzFailure("the reference takes what was compressed, within the window");
            FuzzFailure.UnlessSameBytes(output, content, "the reference gives the message back");
            if (!keeps) (all, stream) = ([], []);
            all.AddRange(content);
            stream.AddRange([.. message, 0, 0, 0xFF, 0xFF]);
            FuzzFailure.UnlessSameBytes(OfDeflateStream([.. stream], int.MaxValue), [.. all], "DeflateStream gives the messages back");
        }
    }

    /// <returns>What DeflateStream makes of it; <see langword="null"/> when it refuses.</returns>
    public static byte[]? OfDeflateStream(byte[] deflated, int most)
    {
        using var memory = new MemoryStream(deflated);
        using var stream = new DeflateStream(memory, CompressionMode.Decompress);
        var output = new List<byte>();
        var buffer = new byte[4096];
        try
        {
            while (output.Count < most && stream.Read(buffer) is > 0 and var count) output.AddRange(buffer.AsSpan(0, count));
            return [.. output];
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    // As it stands there, many times over, an earlier one changed, or noise.
    private static byte[] Content(InputReader reader, List<byte[]> earlier)
    {
        var (kind, argument) = (reader.Byte(), reader.Byte());
        var block = reader.Block();
        switch (kind & 3)
        {
            case 1 when block.Length > 0:
                var many = new byte[Math.Min(Longest, block.Length * (1 + argument))];
                for (var i = 0; i < many.Length; i++) many[i] = block[i % block.Length];
                return many;
            case 2 when earlier.Count > 0:
                return [.. earlier[argument % earlier.Count], .. block];
            case 3 when (argument & 7) == 0:
                var noise = new byte[argument * 128];
                new System.Random(argument + block.Length).NextBytes(noise);
                return [.. block, .. noise, .. block];
            default:
                return block;
        }
    }

    private static byte[] Compress(Deflater deflater, byte[] content, bool forget, Chunks rooms, bool parts)
    {
        var message = new List<byte>();
        var half = parts ? content.Length / 2 : 0;
        if (half > 0) Add(content.AsSpan(0, half), false);
        Add(content.AsSpan(half), forget);
        // A second flush in a row gives nothing.
        if (message.Count == 0 && content.Length == 0) return [0];
        FuzzFailure.Unless(message[^4..] is [0, 0, 0xFF, 0xFF], "what was compressed ends with 00 00 FF FF");
        return [.. message[..^4]];

        void Add(ReadOnlySpan<byte> rest, bool forgets)
        {
            bool done;
            do
            {
                var room = new byte[16 + rooms.Next(4096)];
                done = deflater.Deflate(ref rest, room, forgets, out var written);
                message.AddRange(room.AsSpan(0, written));
            }
            while (!done);
            FuzzFailure.Unless(rest.IsEmpty, "all input is taken");
        }
    }

    private static byte[] Inflate(Inflater inflater, byte[] message, Chunks rooms)
    {
        var output = new List<byte>();
        var buffer = new byte[4096];
        inflater.BeginMessage();
        ReadOnlySpan<byte> rest = message;
        InflateStatus status;
        do
        {
            status = inflater.Inflate(ref rest, buffer.AsSpan(0, rooms.Next(buffer.Length)), out var written);
            output.AddRange(buffer.AsSpan(0, written));
        }
        while (status == InflateStatus.OutputFull);
        if (status != InflateStatus.Corrupt)
        {
            do
            {
                status = inflater.Finish(buffer.AsSpan(0, rooms.Next(buffer.Length)), out var written);
                output.AddRange(buffer.AsSpan(0, written));
            }
            while (status == InflateStatus.OutputFull);
        }
        FuzzFailure.UnlessSame(status, InflateStatus.Done, "what was compressed is in order");
        return [.. output];
    }
}
