using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §5.2: reserved bits and reserved opcodes. What sets RSV1 alone stands with RFC 7692.</summary>
public class ReservedTests
{
    private static readonly int[] Bits = [1, 2, 3, 5, 6, 7];

    [Theory, Matrix(nameof(ReservedBits))]
    public Task Section_5_2_a_reserved_bit_fails_with_1002_at_the_first_byte(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ReservedOpcodes))]
    public Task Section_5_2_a_reserved_opcode_fails_with_1002_at_the_first_byte(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(WholeFrames))]
    public Task Section_7_1_7_the_whole_bad_frame_and_what_follows_it_changes_nothing(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> ReservedBits()
    {
        foreach (var bits in Bits)
        {
            foreach (var opcode in new[] { 1, 2, 8, 9, 10 }) yield return BadBits(opcode, bits);
            var bad = new Frame(0, []) { Reserved = bits, Sent = 1 };
            yield return new Exchange($"RSV {bits} in a continuation", Frame.Text("a").Unfinished(), bad).Fails(1002);
            yield return new Exchange($"RSV {bits} in a ping between fragments", Frame.Text("a").Unfinished(), bad with { Opcode = 9 }).Fails(1002);
            yield return new Exchange($"RSV {bits} between messages", Frame.Text("one"), Frame.Binary(2), bad with { Opcode = 1 })
                .Answers(Frame.Text("one"), Frame.Binary(2)).Fails(1002);
            yield return new Exchange($"RSV {bits} behind a ping", Frame.Ping("p"), bad with { Opcode = 2 }).Answers(Frame.Pong("p")).Fails(1002);
        }
    }

    internal static IEnumerable<Exchange> ReservedOpcodes()
    {
        foreach (var opcode in new[] { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 })
        {
            var bad = new Frame(opcode, []) { Sent = 1 };
            yield return new Exchange($"opcode {opcode} first", bad).Fails(1002);
            yield return new Exchange($"opcode {opcode}, FIN not set", bad with { Fin = false }).Fails(1002);
            yield return new Exchange($"opcode {opcode} behind messages", Frame.Text("one"), Frame.Binary(2), bad)
                .Answers(Frame.Text("one"), Frame.Binary(2)).Fails(1002);
            yield return new Exchange($"opcode {opcode} behind a ping", Frame.Ping("p"), bad).Answers(Frame.Pong("p")).Fails(1002);
            yield return new Exchange($"opcode {opcode} between fragments", Frame.Text("a").Unfinished(), bad).Fails(1002);
        }
    }

    internal static IEnumerable<Exchange> WholeFrames()
    {
        Frame[] behind = [Frame.Ping("not answered"), Frame.Text("not returned"), Frame.Close(1000)];
        foreach (var opcode in new[] { 3, 5, 7, 11, 13, 15 })
        {
            yield return new Exchange($"opcode {opcode}", [new Frame(opcode, new byte[200]), .. behind]).Fails(1002);
        }
        foreach (var bits in Bits)
        {
            yield return new Exchange($"RSV {bits}", [Frame.Text("owed"), Frame.Text("bad").Rsv(bits), .. behind]).Answers(Frame.Text("owed")).Fails(1002);
        }
    }

    private static Exchange BadBits(int opcode, int bits)
        => new Exchange($"RSV {bits}, opcode {opcode} first", new Frame(opcode, []) { Reserved = bits, Sent = 1 }).Fails(1002);
}
