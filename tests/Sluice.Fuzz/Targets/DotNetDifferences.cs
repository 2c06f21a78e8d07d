using System.Buffers.Binary;
using Sluice.Fuzz.Reference;

namespace Sluice.Fuzz.Targets;

/// <summary>Where System.Net.WebSockets of .NET 10 knowingly sees something else, each as narrow as it can be told.</summary>
/// <param name="stream">What both were sent, with lengths in their shortest forms.</param>
/// <param name="isServer">The role of both.</param>
/// <param name="bufferSize">What .NET was given to receive into.</param>
internal sealed class DotNetDifferences(byte[] stream, bool isServer, int bufferSize)
{
    private readonly ReferenceConversation _lenient =
        ReferenceConversation.Of(stream, isServer, Array.MaxLength, int.MaxValue, checkText: false);

    /// <returns>The name of the difference that explains it; <see langword="null"/>: none that is known.</returns>
    public string? Explain(Differential.Received ours, Differential.Received theirs)
    {
        if (IsEndUnchecked(ours, theirs)) return "the end of a text is not checked when its last fragment is empty";
        if (!ours.HasSameMessagesAs(theirs)) return null;
        if (IsNoCode(ours, theirs)) return "a close frame without a code counts as 1000";
        if (IsLaterCloseCode(ours, theirs)) return "close codes 1012 to 1014 are refused";
        if (IsBegunClose(ours, theirs)) return "a close frame is judged when it is whole";
        if (IsTooBig(ours, theirs)) return "a message beyond any array is waited for";
        if (IsCutHeader(ours, theirs)) return "a header is judged when it is whole";
        return IsUnjudgedText(ours, theirs) ? "a text is judged when the buffer is full or the frame ends, and by whole characters" : null;
    }

    /// <summary>
    /// Lengths need not be in their shortest form for .NET, though §5.2 says MUST. The same stream with the shortest
    /// forms is what Sluice is shown then.
    /// </summary>
    public static byte[] ShortenLengths(ReadOnlySpan<byte> stream)
    {
        var shortened = new List<byte>(stream.Length);
        while (stream.Length >= 2)
        {
            long length = stream[1] & 127;
            var size = length == 126 ? 4 : length == 127 ? 10 : 2;
            if (stream.Length < size) break;
            if (size == 4) length = BinaryPrimitives.ReadUInt16BigEndian(stream[2..]);
            if (size == 10) length = BinaryPrimitives.ReadInt64BigEndian(stream[2..]);
            if (length < 0) break;
            // The header, but for its key, as it should be; then the key and the payload.
            shortened.AddRange(Grammar.Frames.Build(stream[0], new byte[Math.Min(length, 65536)], key: null).AsSpan(0, length < 126 ? 2 : length < 65536 ? 4 : 2));
            shortened[^(length < 126 ? 1 : length < 65536 ? 3 : 1)] |= (byte)(stream[1] & 128);
            if (length > 65535) shortened.AddRange(stream[2..10]);
            var rest = (stream[1] & 128) == 0 ? length : length + 4;
            stream = stream[size..];
            var taken = (int)Math.Min(rest, stream.Length);
            shortened.AddRange(stream[..taken]);
            stream = stream[taken..];
        }
        shortened.AddRange(stream);
        return [.. shortened];
    }

    // §7.1.5 has 1005 for it.
    private static bool IsNoCode(Differential.Received ours, Differential.Received theirs)
        => ours is { End: ReferenceEnd.Closed, Code: 1005 } && theirs is { End: ReferenceEnd.Closed, Code: 1000, Reason: "" };

    // IANA registered them after RFC 6455; .NET knows the RFC's alone.
    private static bool IsLaterCloseCode(Differential.Received ours, Differential.Received theirs)
        => ours is { End: ReferenceEnd.Closed, Code: >= 1012 and <= 1014 } && theirs.End == ReferenceEnd.Failed;

    // Sluice refuses it at the first byte that is wrong.
    private bool IsBegunClose(Differential.Received ours, Differential.Received theirs)
        => ours is { End: ReferenceEnd.Failed, Code: 1002 or 1007 } && theirs.End == ReferenceEnd.Vanished
            && ReferenceParser.Parse(stream, isServer).Frames is [.., { First: 0x88, IsWhole: false, Payload.Length: > 0 }];

    // Sluice refuses it when it is announced; here it never comes.
    private bool IsTooBig(Differential.Received ours, Differential.Received theirs)
        => ours is { End: ReferenceEnd.Failed, Code: 1009 } && theirs.End == ReferenceEnd.Vanished && _lenient is { Outcome.Code: 1009 };

    // Sluice refuses a header at the first byte that is wrong; .NET reads it to its end first, which never comes.
    private bool IsCutHeader(Differential.Received ours, Differential.Received theirs)
    {
        if (ours is not { End: ReferenceEnd.Failed, Code: 1002 } || theirs.End != ReferenceEnd.Vanished) return false;
        var parsed = ReferenceParser.Parse(stream, isServer);
        if (parsed.BrokenAt is null) return false;
        var header = stream.AsSpan(parsed.Frames.Count == 0 ? 0 : parsed.Frames[^1].End);
        if (header.Length < 2) return true;
        // As a server it waits for a masking key, announced or not.
        var length = header[1] & 127;
        return header.Length < 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (isServer ? 4 : 0);
    }

    // Sluice refuses a text at the first byte that is impossible (§8.1).
    private bool IsUnjudgedText(Differential.Received ours, Differential.Received theirs)
    {
        if (ours is not { End: ReferenceEnd.Failed, Code: 1007 } || theirs.End == ReferenceEnd.Failed) return false;
        // A fault behind the text, which .NET does not come to see either, as its header or close frame is cut. That the text is
        // wrong, the targets connection and utf8 say.
        if (theirs.End == ReferenceEnd.Vanished && theirs.Messages.Count == ours.Messages.Count) return true;
        if (_lenient.Messages.Count != ours.Messages.Count || _lenient.Outcome.End != theirs.End || _lenient.LastData is not { } last) return false;
        var text = _lenient.Unfinished.ToArray();
        var judged = text.Length - (last.IsWhole ? 0 : last.Payload.Length % bufferSize);
        return IsGoodByWholeCharacters(text.AsSpan(0, judged));
    }

    private bool IsEndUnchecked(Differential.Received ours, Differential.Received theirs)
    {
        if (ours is not { End: ReferenceEnd.Failed, Code: 1007 } || theirs.Messages.Count <= ours.Messages.Count) return false;
        if (_lenient.Messages.Count <= ours.Messages.Count || _lenient.Messages[ours.Messages.Count] is not { EndsEmpty: true } message) return false;
        return message.Payload.AsSpan().SequenceEqual(theirs.Messages[ours.Messages.Count].Payload) && IsGoodByWholeCharacters(message.Payload);
    }

    // What is wrong lies in a character that is cut at the end.
    private static bool IsGoodByWholeCharacters(ReadOnlySpan<byte> text)
    {
        var bad = ReferenceUtf8.FirstImpossible(text, out _);
        if (bad < 0) return true;
        for (var lead = bad; lead >= 0 && lead > bad - 4; lead--)
        {
            if (text[lead] is >= 0xC0 and < 0xF8) return lead + (text[lead] < 0xE0 ? 2 : text[lead] < 0xF0 ? 3 : 4) > text.Length;
        }
        return false;
    }
}
