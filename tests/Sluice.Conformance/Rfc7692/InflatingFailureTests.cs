using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc7692;

/// <summary>RFC 7692 §6 and §7.2.2: compressed messages that must fail the connection, and at which byte.</summary>
public class InflatingFailureTests
{
    private static readonly string[] Agreements = [InflatingTests.Takeover, InflatingTests.Alone];

    [Theory, Matrix(nameof(Reserved))]
    public Task Section_6_a_reserved_bit_where_it_means_nothing_fails_with_1002_at_the_first_byte(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(NoDeflate))]
    public Task Section_7_2_2_what_is_no_DEFLATE_fails_with_1007(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(NoContext))]
    public Task Section_7_1_1_a_way_back_into_a_message_that_is_forgotten_fails_with_1007(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(NoUtf8))]
    public Task RFC_6455_8_1_an_impossible_byte_fails_with_1007_as_soon_as_it_is_inflated(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(TooBig))]
    public Task RFC_6455_10_4_the_limit_holds_for_what_is_inflated_to_the_byte(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Bombs), WholeOnly = true)]
    public Task RFC_6455_10_4_a_bomb_fails_with_1009(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Reserved()
    {
        var begun = Deflated(Deflation.Hello[..3]).Unfinished();
        foreach (var opcode in new[] { 8, 9, 10 })
        {
            var bad = new Frame(opcode, []) { Reserved = 4, Sent = 1 };
            yield return Case($"RSV1, opcode {opcode}", bad).Fails(1002);
            yield return Case($"RSV1, opcode {opcode} between fragments", begun, bad).Fails(1002);
            yield return Case($"RSV1, opcode {opcode} behind a message", Deflated(Deflation.Hello), bad).Answers(Frame.Text("Hello")).Fails(1002);
        }
        foreach (var fin in new[] { true, false })
        {
            var bad = new Frame(0, []) { Reserved = 4, Fin = fin, Sent = 1 };
            yield return Case($"RSV1 in a continuation, FIN {fin}", begun, bad).Fails(1002);
            yield return Case($"RSV1 in a continuation of a plain message, FIN {fin}", Frame.Text("a").Unfinished(), bad).Fails(1002);
            yield return Case($"RSV1 in a continuation of nothing, FIN {fin}", bad).Fails(1002);
        }
        foreach (var bits in new[] { 1, 2, 3, 5, 6, 7 })
        {
            foreach (var opcode in new[] { 1, 2 }) yield return Case($"RSV {bits}, opcode {opcode}", new Frame(opcode, []) { Reserved = bits, Sent = 1 }).Fails(1002);
        }
        foreach (var opcode in new[] { 3, 7, 11, 15 }) yield return Case($"RSV1, opcode {opcode}", new Frame(opcode, []) { Reserved = 4, Sent = 1 }).Fails(1002);
        yield return Case("a compressed message inside another", begun, new Frame(1, []) { Reserved = 4, Sent = 1 }).Fails(1002);
    }

    internal static IEnumerable<Exchange> NoDeflate()
    {
        foreach (var agreement in Agreements)
        {
            // The last byte is the one that shows it; the frame announces more.
            foreach (var (name, bytes) in new (string, byte[])[]
            {
                ("a block of the reserved kind", [0x06]),
                ("the same, final", [0x07]),
                ("lengths that do not match", [0x00, 0x05, 0x00, 0xfa, 0xfe]),
                ("a way back from the beginning", new Deflation().Block(1).Match(1).Bytes),
                ("a way back before the beginning", new Deflation().Block(1).Literals(0x61).Match(2).Bytes),
                ("a distance that is none", new Deflation().Block(1).Literals(0x61).Symbol(257).Code(30, 5).Bytes),
                ("a length that is none", new Deflation().Block(1).Literals(0x61).Symbol(286).Bytes),
                ("too many lengths", new Deflation().Block(2).Bits(30, 5).Bits(0, 5).Bits(0, 4).Bytes),
                ("behind good text", new Deflation().Block(1).Literals("good"u8.ToArray()).EndBlock().Block(3).Bytes),
            })
            {
                yield return InflatingTests.Case($"{name}; {agreement}", agreement, Deflated(bytes) with { Announced = (ulong)bytes.Length + 10 }).Fails(1007);
                yield return InflatingTests.Case($"{name}, behind a message; {agreement}", agreement, Frame.Text("owed"), Deflated(bytes) with { Announced = (ulong)bytes.Length + 10 })
                    .Answers(Frame.Text("owed")).Fails(1007);
            }
            foreach (var (name, bytes) in new (string, byte[])[]
            {
                ("ends inside a block", [0xf2, 0x48, 0xcd]),
                ("ends inside a block without compression", [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48]),
                ("ends inside its lengths", [0x00, 0x05, 0x00]),
                ("ends inside its codes", [0x04, 0xc0]),
                ("not compressed at all", "Hello"u8.ToArray()),
                ("rubbish behind a final block", [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0xff]),
            })
            {
                yield return InflatingTests.Case($"{name}; {agreement}", agreement, Deflated(bytes)).Fails(1007);
                yield return InflatingTests.Case($"{name}, in fragments; {agreement}", agreement, Deflated(bytes[..1]).Unfinished(), Frame.Continuation(bytes[1..])).Fails(1007);
            }
        }
    }

    internal static IEnumerable<Exchange> NoContext()
    {
        var again = Deflated([.. Deflation.HelloAgain]);
        yield return InflatingTests.Case("at once", InflatingTests.Alone, again).Fails(1007);
        yield return InflatingTests.Case("first of all", InflatingTests.Takeover, again).Fails(1007);
        yield return InflatingTests.Case("behind a message", InflatingTests.Alone, Deflated(Deflation.Hello), again).Answers(Frame.Text("Hello")).Fails(1007);
        yield return InflatingTests.Case("behind a plain one", InflatingTests.Takeover, Frame.Text("Hello"), again).Answers(Frame.Text("Hello")).Fails(1007);
    }

    internal static IEnumerable<Exchange> NoUtf8()
    {
        foreach (var agreement in Agreements)
        {
            foreach (var bad in new byte[][] { [0xff], [0x80], [0xc0], [0xed, 0xa0], [0xf4, 0x90], [0xe2, 0x28], [0xf5] })
            {
                var name = $"{Convert.ToHexString(bad)}; {agreement}";
                byte[] stored = [0x00, .. Deflation.LengthOf(1000), .. "good"u8, .. bad];
                yield return InflatingTests.Case($"stored {name}", agreement, Deflated(stored) with { Announced = 1006 }).Fails(1007);
                var packed = new Deflation().Block(1).Literals([.. "good"u8, .. bad]).Bytes;
                yield return InflatingTests.Case($"packed {name}", agreement, Deflated(packed) with { Announced = 100 }).Fails(1007);
                yield return InflatingTests.Case($"in fragments {name}", agreement, Deflated(packed[..4]).Unfinished(), Frame.Continuation(packed[4..]) with { Announced = 100 }).Fails(1007);
            }
            var half = new Deflation().Block(1).Literals(0x61, 0xe2, 0x82).EndBlock().Block(0).Bytes;
            yield return InflatingTests.Case($"ends inside a character; {agreement}", agreement, Deflated(half)).Fails(1007);
        }
    }

    internal static IEnumerable<Exchange> TooBig()
    {
        foreach (var agreement in Agreements)
        {
            foreach (var opcode in new[] { 1, 2 })
            {
                var name = $"opcode {opcode}; {agreement}";
                var full = new byte[1000];
                Array.Fill(full, (byte)'x');
                yield return Limited($"the limit, {name}", agreement, new Frame(opcode, Deflation.Stored(full)).Rsv(4)).Answers(new Frame(opcode, full));
                byte[] more = [0x00, .. Deflation.LengthOf(1100), .. full, (byte)'x'];
                yield return Limited($"one byte more, {name}", agreement, new Frame(opcode, more) { Reserved = 4, Announced = 1200 }).Fails(1009);
                yield return Limited($"in fragments, {name}", agreement, new Frame(opcode, more[..500]).Rsv(4).Unfinished(), Frame.Continuation(more[500..]) with { Announced = 700 }).Fails(1009);
            }
        }
    }

    internal static IEnumerable<Exchange> Bombs()
    {
        foreach (var agreement in Agreements)
        {
            foreach (var size in new[] { 100_000, 16 * 1024 * 1024 })
            {
                var bomb = new Frame(2, Deflation.Compressed(new byte[size])).Rsv(4);
                yield return Limited($"{size}; {agreement}", agreement, bomb).Fails(1009);
                yield return Limited($"{size}, behind a message; {agreement}", agreement, Frame.Text("owed"), bomb).Answers(Frame.Text("owed")).Fails(1009);
            }
        }
    }

    private static Frame Deflated(byte[] bytes) => InflatingTests.Deflated(bytes);

    private static Exchange Case(string name, params Frame[] frames) => InflatingTests.Case(name, InflatingTests.Takeover, frames);

    private static Exchange Limited(string name, string agreement, params Frame[] frames) => new(name, frames) { Deflate = agreement, Limits = Limits.Small };
}
