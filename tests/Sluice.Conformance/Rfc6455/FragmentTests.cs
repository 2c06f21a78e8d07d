using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §5.4: messages in fragments, and control frames between them.</summary>
public class FragmentTests
{
    [Theory, Matrix(nameof(Legal))]
    public Task Section_5_4_fragments_make_one_message(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ControlBetween))]
    public Task Section_5_4_control_frames_between_fragments_are_answered_at_once(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(NothingToContinue))]
    public Task Section_5_4_a_continuation_of_nothing_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Interleaved))]
    public Task Section_5_4_a_new_message_inside_another_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Legal()
    {
        foreach (var opcode in new[] { 1, 2 })
        {
            foreach (var parts in new string[][]
            {
                ["one", "two"], ["one", "two", "three"], ["", "all"], ["all", ""], ["", ""], ["", "", ""], ["", "middle", ""], ["a", "", "", "b"],
                [.. "each byte on its own".Select(c => c.ToString())], [new string('x', 126), new string('y', 65536), "z"],
            })
            {
                var name = $"opcode {opcode}, lengths {string.Join(' ', parts.Select(part => part.Length))}";
                yield return new Exchange(name, Fragments(opcode, parts)).Answers(Whole(opcode, parts));
            }
        }
        yield return new Exchange("one message behind the other", [.. Fragments(1, "a", "b"), .. Fragments(2, "c", "d"), Frame.Text("e")])
            .Answers(Whole(1, "ab"), Whole(2, "cd"), Frame.Text("e"));
        yield return new Exchange("a hundred empty fragments", Fragments(1, Enumerable.Repeat("", 100).ToArray())).Answers(Whole(1, ""));
    }

    internal static IEnumerable<Exchange> ControlBetween()
    {
        foreach (var opcode in new[] { 1, 2 })
        {
            var (first, last) = (new Frame(opcode, "a"u8.ToArray()).Unfinished(), Frame.Continuation("b"));
            yield return new Exchange($"ping, opcode {opcode}", first, Frame.Ping("p"), last).Answers(Frame.Pong("p"), Whole(opcode, "ab"));
            yield return new Exchange($"empty ping, opcode {opcode}", first, Frame.Ping(), last).Answers(Frame.Pong(), Whole(opcode, "ab"));
            yield return new Exchange($"pong, opcode {opcode}", first, Frame.Pong("p"), last).Answers(Whole(opcode, "ab"));
            yield return new Exchange($"several, opcode {opcode}", first, Frame.Ping("1"), Frame.Ping("2"), Frame.Pong("3"), Frame.Ping("4"), last)
                .Answers(Frame.Pong("1"), Frame.Pong("2"), Frame.Pong("4"), Whole(opcode, "ab"));
            // The message never ends: the pong does not wait for it.
            yield return new Exchange($"close, opcode {opcode}", first, Frame.Ping("p"), Frame.Close(1000)).Answers(Frame.Pong("p")).Closes(Frame.Close(1000));
        }
        yield return new Exchange("a ping behind every fragment", [.. "abc".SelectMany((c, i) => new[] { Fragment(i == 0 ? 1 : 0, c, i == 2), Frame.Ping($"{i}") })])
            .Answers(Frame.Pong("0"), Frame.Pong("1"), Whole(1, "abc"), Frame.Pong("2"));
        yield return new Exchange("close before the last fragment", Frame.Text("a").Unfinished(), Frame.Close(1001), Frame.Continuation("b")).Closes(Frame.Close(1001));
        yield return new Exchange("an answered ping, then nothing", Frame.Text("a").Unfinished(), Frame.Ping("first"), Frame.Close()).Answers(Frame.Pong("first")).Closes(Frame.Close());
    }

    internal static IEnumerable<Exchange> NothingToContinue()
    {
        foreach (var fin in new[] { true, false })
        {
            var bad = new Frame(0, []) { Fin = fin, Sent = 1 };
            var name = fin ? "last fragment" : "fragment";
            yield return new Exchange($"{name} first", bad).Fails(1002);
            yield return new Exchange($"{name} behind a message", Frame.Text("owed"), bad).Answers(Frame.Text("owed")).Fails(1002);
            yield return new Exchange($"{name} behind a fragmented message", [.. Fragments(1, "a", "b"), bad]).Answers(Whole(1, "ab")).Fails(1002);
            yield return new Exchange($"{name} behind a ping", Frame.Ping("p"), bad).Answers(Frame.Pong("p")).Fails(1002);
            yield return new Exchange($"{name} behind a pong", Frame.Pong("p"), bad).Fails(1002);
        }
        yield return new Exchange("eight whole messages of it", [.. Enumerable.Repeat(Frame.Continuation("x"), 8), Frame.Close(1000)]).Fails(1002);
    }

    internal static IEnumerable<Exchange> Interleaved()
    {
        foreach (var outer in new[] { 1, 2 })
        {
            foreach (var inner in new[] { 1, 2 })
            {
                foreach (var fin in new[] { true, false })
                {
                    var bad = new Frame(inner, []) { Fin = fin, Sent = 1 };
                    var begun = new Frame(outer, "a"u8.ToArray()).Unfinished();
                    var name = $"{inner} in {outer}, FIN {fin}";
                    yield return new Exchange(name, begun, bad).Fails(1002);
                    yield return new Exchange($"{name}, behind a continuation", begun, Frame.Continuation("b").Unfinished(), bad).Fails(1002);
                    yield return new Exchange($"{name}, behind a ping", begun, Frame.Ping("p"), bad).Answers(Frame.Pong("p")).Fails(1002);
                }
            }
        }
        yield return new Exchange("behind a whole message", [.. Fragments(2, "a", "b"), Frame.Text("c").Unfinished(), new Frame(1, []) { Sent = 1 }])
            .Answers(Whole(2, "ab")).Fails(1002);
    }

    private static Frame[] Fragments(int opcode, params string[] parts)
        => [.. parts.Select((part, i) => new Frame(i == 0 ? opcode : 0, System.Text.Encoding.UTF8.GetBytes(part)) { Fin = i == parts.Length - 1 })];

    private static Frame Fragment(int opcode, char payload, bool fin) => new(opcode, [(byte)payload]) { Fin = fin };

    private static Frame Whole(int opcode, params string[] parts) => new(opcode, System.Text.Encoding.UTF8.GetBytes(string.Concat(parts)));
}
