using System.Text;
using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc7692;

/// <summary>RFC 7692 §6.2 and §7.2.2: compressed messages that must be understood.</summary>
public class InflatingTests
{
    /// <summary>Context takeover both ways.</summary>
    internal const string Takeover = "permessage-deflate";

    /// <summary>Each message by itself, both ways.</summary>
    internal const string Alone = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    private static readonly Frame Hello = Frame.Text("Hello");
    private static readonly string[] Agreements = [Takeover, Alone];

    [Theory, Matrix(nameof(Examples))]
    public Task Section_7_2_3_the_examples_are_understood(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Blocks))]
    public Task Section_7_2_2_blocks_of_every_kind_are_read(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Fragments))]
    public Task Section_6_2_a_compressed_message_may_be_fragmented_anywhere(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ControlBetween))]
    public Task Section_6_1_control_frames_between_compressed_fragments_are_answered_at_once(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Mixed))]
    public Task Section_6_2_a_message_without_the_bit_is_taken_as_it_is(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Windows), WholeOnly = true)]
    public Task Section_7_2_2_a_message_may_refer_back_32768_bytes(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Sizes), WholeOnly = true)]
    public Task Section_7_2_2_a_compressed_message_of_any_size_comes_back(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Examples()
    {
        foreach (var agreement in Agreements)
        {
            foreach (var (name, bytes) in new (string, byte[])[]
            {
                ("1, one block", Deflation.Hello),
                ("3, no compression", [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00]),
                ("4, BFINAL", [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
                ("5, two blocks", [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00]),
            })
            {
                yield return Case($"{name}; {agreement}", agreement, Deflated(bytes)).Answers(Hello);
                yield return Case($"{name}, twice; {agreement}", agreement, Deflated(bytes), Deflated(bytes)).Answers(Hello, Hello);
            }
            yield return Case($"6, empty; {agreement}", agreement, Deflated([0x00]), Deflated(Deflation.Hello)).Answers(Frame.Text(""), Hello);
            yield return Case($"1, in two fragments; {agreement}", agreement, Deflated([0xf2, 0x48, 0xcd]).Unfinished(), Frame.Continuation([0xc9, 0xc9, 0x07, 0x00]))
                .Answers(Hello);
        }
        yield return Case("2, sharing the window", Takeover, Deflated(Deflation.Hello), Deflated(Deflation.HelloAgain), Deflated(Deflation.HelloAgain))
            .Answers(Hello, Hello, Hello);
    }

    internal static IEnumerable<Exchange> Blocks()
    {
        var repeats = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 12).Select(i => $"fish {i}, ")));
        foreach (var agreement in Agreements)
        {
            yield return Case($"codes of its own; {agreement}", agreement, Deflated(Deflation.Compressed(repeats))).Answers(Frame.Text(repeats));
            yield return Case($"a match that overlaps itself; {agreement}", agreement, Deflated(new Deflation().Block(1).Literals(0x61).Match(1).Match(1).EndBlock().Block(0).Bytes))
                .Answers(Frame.Text("aaaaaaa"));
            yield return Case($"all kinds in turn; {agreement}", agreement, Deflated(new Deflation()
                .Block(1).Literals(0x61).EndBlock().Block(0).Align().Raw(Deflation.LengthOf(2)).Raw(0x62, 0x63)
                .Block(1).EndBlock().Block(1).Match(3).EndBlock().Block(0).Bytes)).Answers(Frame.Text("abcabc"));
            yield return Case($"two final blocks; {agreement}", agreement, Deflated(new Deflation()
                .Block(1, final: true).Literals(0x61).EndBlock().Align().Block(1, final: true).Literals(0x62).EndBlock().Align().Block(0).Bytes)).Answers(Frame.Text("ab"));
            yield return Case($"empty blocks before and behind; {agreement}", agreement, Deflated(new Deflation()
                .Block(0).Align().Raw(Deflation.LengthOf(0)).Block(1).EndBlock().Block(1).Literals(0x61).EndBlock().Block(1).EndBlock().Block(0).Bytes)).Answers(Frame.Text("a"));
            yield return Case($"an empty fixed block; {agreement}", agreement, Deflated([0x02, 0x00])).Answers(Frame.Text(""));
            yield return Case($"bytes of nine bits; {agreement}", agreement, new Frame(2, new Deflation().Block(1).Literals(0xff, 0x90, 0x8f, 0x00).EndBlock().Block(0).Bytes).Rsv(4))
                .Answers(Frame.Binary(0xff, 0x90, 0x8f, 0x00));
        }
    }

    internal static IEnumerable<Exchange> Fragments()
    {
        foreach (var agreement in Agreements)
        {
            byte[][] parts = [.. Deflation.Hello.Select(b => new[] { b })];
            yield return Case($"each byte on its own; {agreement}", agreement, Cut(parts)).Answers(Hello);
            yield return Case($"empty ones around each; {agreement}", agreement, Cut([.. parts.SelectMany(part => new[] { [], part }), []])).Answers(Hello);
            yield return Case($"two messages; {agreement}", agreement, [.. Cut(parts), .. Cut([Deflation.Hello, []])]).Answers(Hello, Hello);
            yield return Case($"an empty message in three; {agreement}", agreement, Cut([[], [0x00], []])).Answers(Frame.Text(""));
            for (var at = 1; at < Deflation.Hello.Length; at++)
            {
                yield return Case($"cut at {at}; {agreement}", agreement, Cut([Deflation.Hello[..at], Deflation.Hello[at..]])).Answers(Hello);
            }
        }
        byte[] character = new Deflation().Block(1).Literals("€"u8.ToArray()).EndBlock().Block(0).Bytes;
        yield return Case("inside a character", Takeover, Cut([.. character.Select(b => new[] { b })])).Answers(Frame.Text("€"));
    }

    internal static IEnumerable<Exchange> ControlBetween()
    {
        foreach (var agreement in Agreements)
        {
            var (first, last) = (Deflated(Deflation.Hello[..3]).Unfinished(), Frame.Continuation(Deflation.Hello[3..]));
            yield return Case($"ping; {agreement}", agreement, first, Frame.Ping("p"), last).Answers(Frame.Pong("p"), Hello);
            yield return Case($"pong; {agreement}", agreement, first, Frame.Pong("p"), last).Answers(Hello);
            yield return Case($"several; {agreement}", agreement, first, Frame.Ping("1"), Frame.Ping(), Frame.Pong(), last, Frame.Ping("2"))
                .Answers(Frame.Pong("1"), Frame.Pong(), Hello, Frame.Pong("2"));
            yield return Case($"close; {agreement}", agreement, first, Frame.Close(1001)).Closes(Frame.Close(1001));
            // A control frame's payload is not compressed (§5.2): this is what it looks like.
            yield return Case($"a ping of compressed bytes; {agreement}", agreement, Frame.Ping(Deflation.Hello), Deflated(Deflation.Hello))
                .Answers(Frame.Pong(Deflation.Hello), Hello);
        }
    }

    internal static IEnumerable<Exchange> Mixed()
    {
        foreach (var agreement in Agreements)
        {
            yield return Case($"alone; {agreement}", agreement, Frame.Text("plain"), Frame.Binary(Deflation.Hello)).Echoes();
            yield return Case($"empty; {agreement}", agreement, Frame.Text(""), Frame.Binary()).Echoes();
            yield return Case($"in fragments; {agreement}", agreement, Frame.Text("pl").Unfinished(), Frame.Continuation("ain")).Answers(Frame.Text("plain"));
            yield return Case($"behind a compressed one; {agreement}", agreement, Deflated(Deflation.Hello), Frame.Text("plain"), Deflated(Deflation.Hello))
                .Answers(Hello, Frame.Text("plain"), Hello);
        }
        yield return Case("the window is not touched", Takeover, Deflated(Deflation.Hello), Frame.Text("World"), Deflated(Deflation.HelloAgain))
            .Answers(Hello, Frame.Text("World"), Hello);
        yield return Case("a final block leaves the next message to begin anew", Takeover, Deflated([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]), Deflated(Deflation.Hello), Deflated(Deflation.HelloAgain))
            .Answers(Hello, Hello, Hello);
    }

    internal static IEnumerable<Exchange> Windows()
    {
        // Nothing in it comes again, so that a way back is right or shows.
        var far = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 8192).Select(i => $"{i:x4}")));
        var back = new Deflation().Block(1).FarthestMatch().EndBlock().Block(0).Bytes;
        byte[] both = [.. Deflation.Stored(far)[..^1], .. back];
        // Fewer bits limit the sender alone: the receiver may have less memory for it, or not (§7.2.2).
        foreach (var bits in new[] { "", "; server_max_window_bits=15; client_max_window_bits=15", "; server_max_window_bits=9; client_max_window_bits=9" })
        {
            yield return Case($"in one message{bits}", Takeover + bits, Deflated(both)).Answers(Frame.Text([.. far, .. far[..3]]));
            yield return Case($"in one of two{bits}", Alone + bits, Deflated(both), Deflated(both)).Answers(Frame.Text([.. far, .. far[..3]]), Frame.Text([.. far, .. far[..3]]));
            yield return Case($"into the one before{bits}", Takeover + bits, Deflated(Deflation.Stored(far)), Deflated(back)).Answers(Frame.Text(far), Frame.Text(far[..3]));
        }
    }

    internal static IEnumerable<Exchange> Sizes()
    {
        foreach (var agreement in Agreements)
        {
            foreach (var size in new[] { 1, 125, 126, 127, 255, 256, 257, 4096, 65_535, 65_536, 100_000 })
            {
                var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, (size / 4) + 1).Select(i => $"{i * i % 997,4}")))[..size];
                yield return Case($"{size}; {agreement}", agreement, Deflated(Deflation.Compressed(text)), Deflated(Deflation.Stored(text))).Answers(Frame.Text(text), Frame.Text(text));
            }
        }
    }

    internal static Exchange Case(string name, string agreement, params Frame[] frames) => new(name, frames) { Deflate = agreement };

    internal static Frame Deflated(byte[] bytes) => Frame.Text(bytes).Rsv(4);

    private static Frame[] Cut(byte[][] parts)
        => [.. parts.Select((part, i) => new Frame(i == 0 ? 1 : 0, part) { Reserved = i == 0 ? 4 : 0, Fin = i == parts.Length - 1 })];
}
