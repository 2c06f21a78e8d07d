using System.IO.Compression;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Compression;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;
using Sluice.Protocol;

namespace Sluice.Fuzz.Targets.Deflating;

/// <summary>
/// The receiving side of permessage-deflate on any bytes, cut anywhere, with room of any size: never an exception, never
/// more than the limit, and what the reference and DeflateStream make of it.
/// </summary>
internal sealed class Inflating : Target
{
    public override string Name => "inflate";

    public override Gen<byte[]> Inputs
        => from flags in Bytes.Any
           from limit in Bytes.Any
           from chunks in Bytes.Chunks
           from rooms in Bytes.Chunks
           from payloads in Deflated.Payloads
           select (byte[])[flags, limit, .. chunks, .. rooms, .. payloads.Where(payload => payload.Length < 65536).SelectMany(Bytes.AsBlock)];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var flags = reader.Byte();
        int limit = reader.Byte();
        limit = (flags & 6) switch { 0 => 1 + limit, 2 => 1 + (limit * 37), _ => 1 << 20 };
        var (chunks, rooms) = (reader.Chunks(), reader.Chunks());
        var messages = new List<byte[]>();
        do messages.Add(reader.Block());
        while (!reader.IsAtEnd && messages.Count < 16);

        var keeps = (flags & 1) == 0;
        var expected = OfReference(messages, keeps, limit, trace);
        Compare(OfSluice(messages, keeps, limit, new Chunks([]), 64 * 1024, new Chunks([])), expected, "whole");
        Compare(OfSluice(messages, keeps, limit, chunks, 256, rooms), expected, "in pieces");
        CheckDeflateStream(messages[0], trace);
    }

    private static void Compare(List<Outcome> actual, List<Outcome> expected, string how)
    {
        for (var i = 0; i < Math.Min(actual.Count, expected.Count); i++)
        {
            if (expected[i].IsEither && actual[i].Code is 1007 or 1009) return;
            FuzzFailure.UnlessSame(actual[i].Code, expected[i].Code, $"{how}: the reference's verdict");
            if (actual[i].Code == 0) FuzzFailure.UnlessSameBytes(actual[i].Output, expected[i].Output, $"{how}: the reference's output");
        }
        FuzzFailure.UnlessSame(actual.Count, expected.Count, $"{how}: as many messages as the reference sees");
    }

    private static List<Outcome> OfReference(List<byte[]> messages, bool keeps, int limit, Trace trace)
    {
        var outcomes = new List<Outcome>();
        var inflate = new ReferenceInflate(most: limit);
        foreach (var message in messages)
        {
            if (!keeps) inflate = new ReferenceInflate(most: limit);
            var isValid = inflate.TryInflate(message, out var output);
            // The limit counts what was sent; a message that is cut, and beyond it by the tail alone, may be either.
            var code = (isValid ? output.Length : inflate.SentLength) > limit ? 1009 : isValid ? 0 : 1007;
            trace.Note(1, code);
            trace.NoteSize(inflate.HasFinal ? 2 : 3, output.Length);
            outcomes.Add(new(code, output, code == 1007 && output.Length > limit));
            if (code != 0) break;
        }
        return outcomes;
    }

    private static List<Outcome> OfSluice(List<byte[]> messages, bool keeps, int limit, Chunks chunks, int size, Chunks rooms)
    {
        var agreement = new DeflateAgreement { ClientNoContextTakeover = !keeps };
        var inflater = new MessageInflater(agreement, Role.Server, new ConnectionOptions { MaxMessageSize = limit });
        var buffer = new byte[size];
        var outcomes = new List<Outcome>();
        foreach (var message in messages)
        {
            var output = new List<byte>();
            inflater.Begin();
            var code = TakeAll(inflater, message, limit, chunks, buffer, rooms, output);
            inflater.End();
            FuzzFailure.Unless(output.Count <= limit, "never more output than the limit");
            outcomes.Add(new(code, [.. output]));
            if (code != 0) break;
        }
        inflater.Drop();
        return outcomes;
    }

    private static int TakeAll(MessageInflater inflater, byte[] message, int limit, Chunks chunks, byte[] buffer, Chunks rooms, List<byte> output)
    {
        bool more;
        for (var at = 0; at < message.Length;)
        {
            var length = chunks.Next(message.Length - at);
            ReadOnlySpan<byte> piece = message.AsSpan(at, length);
            at += length;
            do
            {
                var room = buffer.AsSpan(0, rooms.Next(buffer.Length));
                var violation = inflater.Inflate(ref piece, room, limit, out var written, out more);
                output.AddRange(room[..written]);
                if (violation is not null) return (int)violation.CloseCode;
            }
            while (more);
            FuzzFailure.Unless(piece.IsEmpty, "all input is taken");
        }
        do
        {
            var room = buffer.AsSpan(0, rooms.Next(buffer.Length));
            var violation = inflater.Finish(room, limit, out var written, out more);
            output.AddRange(room[..written]);
            if (violation is not null) return (int)violation.CloseCode;
        }
        while (more);
        FuzzFailure.Unless(inflater.IsFinished, "a message that ends is finished");
        return 0;
    }

    // DeflateStream stops at BFINAL, and does not say that something is missing: told is only what it sees.
    private static void CheckDeflateStream(byte[] message, Trace trace)
    {
        const int Enough = 1 << 20;
        var inflate = new ReferenceInflate(most: Enough);
        var isValid = inflate.TryInflate(message, out var output);
        if (inflate.HasFinal || output.Length >= Enough) return;
        var theirs = RoundTrips.OfDeflateStream([.. message, 0, 0, 0xFF, 0xFF], Enough);
        trace.Note(4, theirs is null ? 1 : 0);
        if (isValid && message.Length > 0)
        {
            if (theirs is null) throw new FuzzFailure("DeflateStream takes what the reference takes");
            FuzzFailure.UnlessSameBytes(output, theirs, "DeflateStream inflates the same");
        }
        else if (!isValid && !inflate.IsCut)
        {
            FuzzFailure.Unless(theirs is null, "DeflateStream refuses what the reference refuses");
        }
    }

    private sealed record Outcome(int Code, byte[] Output, bool IsEither = false);
}
