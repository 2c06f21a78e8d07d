using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §5.5.2 and §5.5.3: pings and pongs; §5.5: what no control frame may be.</summary>
public class ControlFrameTests
{
    private static readonly byte[] NotUtf8 = [0, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0, 0xff];

    [Theory, Matrix(nameof(Pings))]
    public Task Section_5_5_2_a_ping_is_answered_by_a_pong_with_its_payload(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ManyPings))]
    public Task Section_5_5_3_many_pings_are_answered_in_their_order(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Pongs))]
    public Task Section_5_5_3_an_unsolicited_pong_is_taken_in_silence(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(TooLong))]
    public Task Section_5_5_a_control_frame_of_more_than_125_bytes_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Fragmented))]
    public Task Section_5_5_a_fragmented_control_frame_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Pings()
    {
        foreach (var length in new[] { 0, 1, 2, 8, 124, 125 })
        {
            var payload = Enumerable.Repeat((byte)'p', length).ToArray();
            yield return new Exchange($"ping of {length}", Frame.Ping(payload)).Answers(Frame.Pong(payload));
        }
        yield return new Exchange("ping that is not UTF-8", Frame.Ping(NotUtf8)).Answers(Frame.Pong(NotUtf8));
        yield return new Exchange("ping before a message", Frame.Ping("a"), Frame.Text("b")).Answers(Frame.Pong("a"), Frame.Text("b"));
        yield return new Exchange("ping behind a message", Frame.Text("a"), Frame.Ping("b")).Answers(Frame.Text("a"), Frame.Pong("b"));
        yield return new Exchange("ping and close", Frame.Ping("a"), Frame.Close(1000)).Answers(Frame.Pong("a")).Closes(Frame.Close(1000));
    }

    internal static IEnumerable<Exchange> ManyPings()
    {
        var ten = Enumerable.Range(0, 10).Select(i => $"ping {i}").ToArray();
        yield return new Exchange("ten", [.. ten.Select(Frame.Ping)]).Answers([.. ten.Select(Frame.Pong)]);
        var full = Enumerable.Range(0, 10).Select(i => Enumerable.Repeat((byte)i, 125).ToArray()).ToArray();
        yield return new Exchange("ten of 125 bytes", [.. full.Select(Frame.Ping)]).Answers([.. full.Select(Frame.Pong)]);
        yield return new Exchange("ten between messages", [.. ten.SelectMany(p => new[] { Frame.Text(p), Frame.Ping(p) })])
            .Answers([.. ten.SelectMany(p => new[] { Frame.Text(p), Frame.Pong(p) })]);
    }

    internal static IEnumerable<Exchange> Pongs()
    {
        yield return new Exchange("empty", Frame.Pong());
        yield return new Exchange("with a payload", Frame.Pong("unsolicited"));
        yield return new Exchange("of 125 bytes", Frame.Pong(new byte[125]));
        yield return new Exchange("that is not UTF-8", Frame.Pong(NotUtf8));
        yield return new Exchange("before a ping", Frame.Pong("mine"), Frame.Ping("yours")).Answers(Frame.Pong("yours"));
        yield return new Exchange("twenty", [.. Enumerable.Repeat(Frame.Pong("again"), 20), Frame.Text("end")]).Answers(Frame.Text("end"));
    }

    internal static IEnumerable<Exchange> TooLong()
    {
        foreach (var opcode in new[] { 8, 9, 10 })
        {
            foreach (var length in new[] { 126ul, 127ul, 65535ul, 65536ul })
            {
                yield return new Exchange($"opcode {opcode}, {length}", new Frame(opcode, []) { Announced = length, Sent = 2 }).Fails(1002);
            }
            // 125 bytes would be allowed, but not in a longer form.
            yield return new Exchange($"opcode {opcode}, 125 in two bytes", new Frame(opcode, []) { Announced = 125, LengthBytes = 2, Sent = 2 }).Fails(1002);
            yield return new Exchange($"opcode {opcode}, behind a message", Frame.Text("owed"), new Frame(opcode, []) { Announced = 126, Sent = 2 })
                .Answers(Frame.Text("owed")).Fails(1002);
        }
        yield return new Exchange("a whole ping of 126", Frame.Ping(new byte[126]), Frame.Close(1000)).Fails(1002);
    }

    internal static IEnumerable<Exchange> Fragmented()
    {
        foreach (var opcode in new[] { 8, 9, 10 })
        {
            var bad = new Frame(opcode, []) { Fin = false, Sent = 1 };
            yield return new Exchange($"opcode {opcode}", bad).Fails(1002);
            yield return new Exchange($"opcode {opcode} behind a message", Frame.Text("owed"), bad).Answers(Frame.Text("owed")).Fails(1002);
            yield return new Exchange($"opcode {opcode} between fragments", Frame.Text("a").Unfinished(), bad).Fails(1002);
        }
        yield return new Exchange("a ping in two whole fragments", Frame.Ping("a").Unfinished(), Frame.Continuation("b"), Frame.Close(1000)).Fails(1002);
    }
}
