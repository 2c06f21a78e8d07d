using FsCheck;
using FsCheck.Fluent;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets;

/// <summary>FrameParser, FrameWalker, FrameHeader and FrameRules: any stream, cut anywhere, gives what the reference says.</summary>
internal sealed class FrameReading : Target
{
    public override string Name => "frame-reading";

    public override Gen<byte[]> Inputs
        => from flags in Bytes.Any
           from chunks in Bytes.Chunks
           from stream in Frames.Stream((flags & 1) == 0)
           select (byte[])[flags, .. chunks, .. stream];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var flags = reader.Byte();
        var role = (flags & 1) == 0 ? Role.Server : Role.Client;
        var extensions = (ReservedBits)(flags & 0x70);
        var chunks = reader.Chunks();
        var stream = reader.Rest();

        var expected = ReferenceParser.Parse(stream, role == Role.Server, (int)extensions);
        Note(expected, trace);
        Parse(stream, role, extensions, chunks, expected);
        Parse(stream, role, extensions, new Chunks([0]), expected);
        Walk(stream, chunks, ReferenceParser.Parse(stream, masked: false, rules: false));
        ReadHeaders(stream);
    }

    private static void Note(ReferenceParser expected, Trace trace)
    {
        foreach (var frame in expected.Frames)
        {
            trace.Note(1, frame.First);
            trace.NoteSize(2, frame.Length);
        }
        if (expected.BrokenAt is { } at) trace.Note(3, at - (expected.Frames is [.., var last] ? last.End : 0));
    }

    private static void Parse(byte[] stream, Role role, ReservedBits extensions, Chunks chunks, ReferenceParser expected)
    {
        var parser = new FrameParser(role, extensions);
        var events = new FrameEvents(expected.Frames);
        for (var at = 0; at < stream.Length;)
        {
            // An array of its own, so that reading past the chunk is reading past an array.
            var chunk = stream.AsSpan(at, chunks.Next(stream.Length - at)).ToArray();
            for (var offset = 0; offset < chunk.Length;)
            {
                var what = parser.Read(chunk.AsSpan(offset), out var consumed);
                if (what == FrameEvent.Violation)
                {
                    FuzzFailure.UnlessSame(consumed, 0, "a violation consumes nothing");
                    FuzzFailure.Unless(parser.Violation is not null, "a violation has words");
                    FuzzFailure.UnlessSame(parser.Violation.CloseCode, CloseCode.ProtocolError, "a violation of §5 closes with 1002");
                    var shown = expected.BrokenAt is { } broken && broken >= at && broken < at + chunk.Length;
                    if (!shown) throw new FuzzFailure("a violation is seen at its earliest byte", $"in {at} to {at + chunk.Length}, not at {expected.BrokenAt}");
                    FuzzFailure.UnlessSame(parser.Read(chunk, out consumed), FrameEvent.Violation, "a violation stays");
                    events.End();
                    return;
                }
                events.Take(what, chunk.AsSpan(offset), consumed, parser.Header, parser.Remaining, parser.Offset);
                offset += consumed;
            }
            at += chunk.Length;
        }
        FuzzFailure.UnlessSame(expected.BrokenAt, null, "every violation is seen");
        events.End();
    }

    private static void Walk(byte[] stream, Chunks chunks, ReferenceParser expected)
    {
        var walker = default(FrameWalker);
        var events = new FrameEvents(expected.Frames);
        for (var at = 0; at < stream.Length;)
        {
            var chunk = stream.AsSpan(at, chunks.Next(stream.Length - at)).ToArray();
            for (var offset = 0; offset < chunk.Length;)
            {
                var what = walker.Read(chunk.AsSpan(offset), out var consumed);
                if (what == FrameEvent.Violation)
                {
                    FuzzFailure.Unless(expected.BrokenAt is not null, "a walker stops at bit 63 alone");
                    events.End();
                    return;
                }
                events.Take(what, chunk.AsSpan(offset), consumed, walker.Header, walker.Remaining, walker.Offset);
                offset += consumed;
            }
            at += chunk.Length;
        }
        // The walker knows bit 63 when the header is whole, with the masking key.
        events.End();
    }

    private static void ReadHeaders(byte[] stream)
    {
        Span<byte> written = stackalloc byte[FrameHeader.MaxSize];
        // Every offset as if a frame began there.
        for (var at = 0; at < Math.Min(stream.Length, 32); at++)
        {
            var rest = stream.AsSpan(at, Math.Min(stream.Length - at, FrameHeader.MaxSize)).ToArray();
            if (!FrameHeader.TryParse(rest, out var header, out var size))
            {
                FuzzFailure.UnlessSame(size, 0, "what is not read is not consumed");
                FuzzFailure.Unless(rest.Length < FrameHeader.MaxSize, "14 bytes always hold a header");
                continue;
            }
            FuzzFailure.Unless(!FrameHeader.TryParse(rest.AsSpan(0, size - 1), out _, out _), "a header is whole with its last byte, not before");
            if (header.PayloadLength < 0) continue;
            var length = header.Write(written);
            FuzzFailure.UnlessSame(length, header.Size, "Size is what Write writes");
            if (length == size) FuzzFailure.UnlessSameBytes(written[..length], rest.AsSpan(0, size), "a minimal header is written as it was read");
            else FuzzFailure.Unless(length < size, "a header is written in the shortest form");
        }
    }
}
