using System.Net.WebSockets;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Compression;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;

namespace Sluice.Fuzz.Targets.Deflating;

/// <summary>
/// Frames with compressed messages, good and damaged, to a connection in either role and to .NET's own WebSocket: what the
/// reference inflates, or 1007, 1009 or 1002; and the two see the same, but for <see cref="Explain"/>.
/// </summary>
internal sealed class CompressedConnections : Target
{
    public override string Name => "deflate-connection";

    public override Gen<byte[]> Inputs
        => from flags in Bytes.Any
           from limit in Bytes.Any
           from chunks in Bytes.Chunks
           from payloads in Deflated.Payloads
           from parts in Gen.CollectToArray(payloads.Select(payload => Frames(payload, (flags & 1) == 0)).ToArray())
           from end in Gen.Frequency(
               (3, Grammar.Frames.Close((flags & 1) == 0)), (1, Gen.Constant(Array.Empty<byte>())), (1, Grammar.Frames.Stream((flags & 1) == 0)))
           select (byte[])[flags, limit, .. chunks, .. parts.SelectMany(part => part), .. end];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var flags = reader.Byte();
        var (isServer, keeps) = ((flags & 1) == 0, (flags & 2) == 0);
        var small = 1 + reader.Byte();
        var limit = (flags & 4) == 0 ? 1 << 20 : small;
        var sizes = reader.Chunks();
        var stream = DotNetDifferences.ShortenLengths(reader.Rest()); // .NET takes others; the target differential looks at ours
        var agreement = new DeflateAgreement { ClientNoContextTakeover = !keeps, ServerNoContextTakeover = !keeps };
        var ours = Guard.ResultOf(Differential.OfSluiceAsync(Differential.Cut(stream, sizes), isServer, limit, agreement), "Sluice comes to an end");
        var expected = new Expected(stream, isServer, keeps, limit);
        trace.Note((int)ours.End, ours.Code);
        trace.Note(5, Math.Min(ours.Messages.Count, 8));
        expected.Judge(ours);
        if (limit == small) return; // .NET has no limit

        var options = new WebSocketDeflateOptions { ClientContextTakeover = keeps, ServerContextTakeover = keeps };
        var theirs = Guard.ResultOf(Differential.OfDotNetAsync(Differential.Cut(stream, sizes), isServer, 4096, options), ".NET comes to an end");
        trace.Note(6 + (int)theirs.End, theirs.Messages.Count);
        if (ours.IsSameAs(theirs) || Explain(ours, theirs, expected) is not null) return;
        throw new FuzzFailure("Sluice and .NET see the same", $"{ours} here, {theirs} there");
    }

    /// <returns>The name of the known difference that explains it.</returns>
    private static string? Explain(Differential.Received ours, Differential.Received theirs, Expected expected)
    {
        if (!expected.HasCompressed) return "without compression, what Differential tells";
        if (expected.HasEmpty) return "a compressed payload of no bytes is an empty message for Sluice";
        if (expected.HasFinal || theirs.Reason.Contains("BFINAL", StringComparison.Ordinal)) return "a block with BFINAL ends the message for .NET's decompressor, not the block alone";
        var common = Math.Min(ours.Messages.Count, theirs.Messages.Count);
        for (var i = 0; i < common; i++)
        {
            if (!ours.Messages[i].Payload.AsSpan().SequenceEqual(theirs.Messages[i].Payload)) return null;
        }
        if (ours is { End: ReferenceEnd.Failed, Code: 1007 } && theirs.Messages.Count >= ours.Messages.Count) return "a message that is cut, or text that is not UTF-8, is not refused by .NET or later";
        // That what is refused is against the rules, the reference has judged already.
        if (ours is { End: ReferenceEnd.Failed, Code: 1002 } && theirs.Messages.Count >= ours.Messages.Count) return "RSV1 on a control frame is taken by .NET (RFC 7692 §6)";
        if (ours.Messages.Count != theirs.Messages.Count) return null;
        // How it ends without a compressed message at fault is the target differential's.
        return ours.End == theirs.End || ours.Code is 1002 or 1005 or 1009 or (>= 1012 and <= 1014) || ours.End == ReferenceEnd.Vanished
            ? "the end of the stream, as DotNetDifferences has it"
            : null;
    }

    private static Gen<byte[]> Frames(byte[] payload, bool masked)
        => from text in Gen.Frequency((1, Gen.Constant(1)), (3, Gen.Constant(2)))
           from cut in Gen.Frequency((2, Gen.Constant(-1)), (1, Gen.Choose(0, payload.Length)))
           from key in Bytes.Exactly(4)
           from between in Gen.Frequency((6, Gen.Constant(0)), (1, Gen.Constant(1)), (1, Gen.Constant(2)))
           select Build(payload, text, cut, masked ? key : null, between);

    private static byte[] Build(byte[] payload, int opcode, int cut, byte[]? key, int between)
    {
        byte[] first = cut < 0 ? Grammar.Frames.Build((byte)(0xC0 | opcode), payload, key) : Grammar.Frames.Build((byte)(0x40 | opcode), payload[..cut], key);
        byte[] ping = between == 1 ? Grammar.Frames.Build(0x89, [1], key) : between == 2 && cut < 0 ? Grammar.Frames.Build(0x82, [2, 3], key) : [];
        return cut < 0 ? [.. first, .. ping] : [.. first, .. ping, .. Grammar.Frames.Build(0x80, payload[cut..], key)];
    }

    /// <summary>What the frames hold by the two references.</summary>
    private sealed class Expected
    {
        private readonly List<ReferenceMessage> _messages = [];
        private readonly int _code; // of the message at fault, if there is one
        private readonly bool _isEither; // cut, and beyond the limit by what the tail was taken for

        public Expected(byte[] stream, bool isServer, bool keeps, int limit)
        {
            var inflate = new ReferenceInflate(most: limit);
            List<byte> payload = [];
            var (isText, isCompressed, seen) = (false, false, int.MaxValue);
            foreach (var frame in ReferenceParser.Parse(stream, isServer, 0x40).Frames)
            {
                if (frame.First == 0x88) return;
                if (frame.IsControl) continue;
                if ((frame.First & 15) != 0)
                {
                    (isText, isCompressed) = ((frame.First & 15) == 1, (frame.First & 0x40) != 0);
                    payload = [];
                    seen = int.MaxValue;
                    HasCompressed |= isCompressed;
                }
                // What is not compressed is too big from the header on that says so, whatever its bytes are.
                if (!isCompressed && payload.Count + frame.Payload.Length > limit && payload.Count <= limit) seen = payload.Count;
                payload.AddRange(frame.Payload);
                if (frame.First < 0x80 || !frame.IsWhole) continue; // whether it is wrong may show before its end, or not
                var output = payload.ToArray();
                var isValid = true;
                var length = output.Length;
                if (isCompressed)
                {
                    HasEmpty |= payload.Count == 0;
                    if (!keeps) inflate = new ReferenceInflate(most: limit);
                    isValid = inflate.TryInflate([.. payload], out output);
                    HasFinal |= inflate.HasFinal;
                    length = isValid ? output.Length : inflate.SentLength;
                    _isEither = !isValid && output.Length > limit;
                }
                var bad = isText ? ReferenceUtf8.FirstImpossible(output, out _) : -1;
                _code = bad >= 0 && bad < Math.Min(limit, seen) ? 1007 : length > limit ? 1009 : !isValid || (isText && !IsWhole(output)) ? 1007 : 0;
                if (_code != 0) return;
                _messages.Add(new(isText, output));
            }
        }

        public bool HasCompressed { get; private set; }

        public bool HasFinal { get; private set; }

        public bool HasEmpty { get; private set; }

        public void Judge(Differential.Received ours)
        {
            FuzzFailure.UnlessSame(ours.Messages.Count, _messages.Count, "as many messages as the reference sees");
            for (var i = 0; i < _messages.Count; i++)
            {
                FuzzFailure.UnlessSame(ours.Messages[i].IsText, _messages[i].IsText, "text or binary");
                FuzzFailure.UnlessSameBytes(ours.Messages[i].Payload, _messages[i].Payload, "what the reference inflates");
            }
            if (_isEither && ours.Code is 1007 or 1009) return;
            if (_code != 0) FuzzFailure.UnlessSame(ours.Code, _code, "the close code of a message at fault");
            else if (ours.End == ReferenceEnd.Failed) FuzzFailure.Unless(ours.Code is 1002 or 1007 or 1009, "1007, 1009 or 1002");
        }

        private static bool IsWhole(byte[] text)
        {
            ReferenceUtf8.FirstImpossible(text, out var isComplete);
            return isComplete;
        }
    }
}
