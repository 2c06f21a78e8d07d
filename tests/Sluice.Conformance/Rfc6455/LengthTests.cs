using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §5.2: the three forms of the payload length.</summary>
public class LengthTests
{
    private static readonly int[] Lengths = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537, 130_000];

    [Theory, Matrix(nameof(Texts))]
    public Task Section_5_6_a_text_message_of_any_length_comes_back(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Binaries))]
    public Task Section_5_6_a_binary_message_of_any_length_comes_back(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(NotMinimal))]
    public Task Section_5_2_a_length_not_in_its_shortest_form_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(TopBit))]
    public Task Section_5_2_the_top_bit_of_a_64_bit_length_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Immense))]
    public Task Section_10_4_an_immense_length_fails_with_1009_when_it_is_announced(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Texts()
        => Lengths.Select(length => new Exchange($"text of {length}", Frame.Text(Ascii(length))).Echoes());

    internal static IEnumerable<Exchange> Binaries()
        => Lengths.Select(length => new Exchange($"binary of {length}", Frame.Binary(Any(length))).Echoes());

    internal static IEnumerable<Exchange> NotMinimal()
    {
        foreach (var opcode in new[] { 1, 2 })
        {
            foreach (var length in new[] { 0ul, 1ul, 125ul })
            {
                yield return Bad(opcode, 2, length, 4);
            }
            foreach (var length in new[] { 0ul, 125ul, 126ul, 65535ul })
            {
                yield return Bad(opcode, 8, length, 8);
            }
        }
        yield return new Exchange("in a continuation", Frame.Text("a").Unfinished(), Continuation(2, 3, 4)).Fails(1002);
        yield return new Exchange("behind a message", Frame.Text("owed"), new Frame(1, []) { Announced = 5, LengthBytes = 8, Sent = 8 })
            .Answers(Frame.Text("owed")).Fails(1002);
    }

    internal static IEnumerable<Exchange> TopBit()
    {
        foreach (var opcode in new[] { 1, 2 })
        {
            foreach (var length in new[] { 1ul << 63, ulong.MaxValue, (1ul << 63) | 65536 })
            {
                yield return Bad(opcode, 8, length, 3);
            }
        }
        yield return new Exchange("in a continuation", Frame.Text("a").Unfinished(), Continuation(8, 1ul << 63, 3)).Fails(1002);
        yield return new Exchange("behind a message", Frame.Text("owed"), new Frame(2, []) { Announced = 1ul << 63, LengthBytes = 8, Sent = 3 })
            .Answers(Frame.Text("owed")).Fails(1002);
    }

    internal static IEnumerable<Exchange> Immense()
    {
        foreach (var length in new[] { (1ul << 63) - 1, 1ul << 40, 1ul << 31, (1ul << 20) + 1 })
        {
            yield return new Exchange($"{length}", new Frame(2, []) { Announced = length }).Fails(1009);
            yield return new Exchange($"{length} in a continuation", Frame.Text("a").Unfinished(), new Frame(0, []) { Announced = length }).Fails(1009);
        }
    }

    private static Exchange Bad(int opcode, int size, ulong length, int sent)
        => new Exchange($"opcode {opcode}, {length:x} in {size} bytes", new Frame(opcode, []) { Announced = length, LengthBytes = size, Sent = sent }).Fails(1002);

    private static Frame Continuation(int size, ulong length, int sent) => new(0, []) { Announced = length, LengthBytes = size, Sent = sent };

    private static byte[] Ascii(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(' ' + (i % 95)))];

    private static byte[] Any(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 7))];
}
