using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §10.4: large messages where they are allowed, and limits that hold to the byte where they are not.</summary>
public class LimitTests
{
    private const int MiB = 1024 * 1024;

    [Theory, Matrix(nameof(Large), WholeOnly = true)]
    public Task Section_5_4_a_large_message_comes_back(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ManyFragments), WholeOnly = true)]
    public Task Section_5_4_a_message_may_have_many_fragments(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ManyMessages), WholeOnly = true)]
    public Task Section_5_1_many_messages_in_few_segments_come_back_in_order(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Pieces))]
    public Task Section_5_a_message_may_be_cut_anywhere(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(AtTheLimit))]
    public Task Section_10_4_limits_hold_to_the_byte(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Large()
    {
        foreach (var size in new[] { 1, 4, 8, 16 })
        {
            yield return new Exchange($"text of {size} MiB", Frame.Text(Text(size * MiB))) { Limits = Limits.Raised }.Echoes();
            yield return new Exchange($"binary of {size} MiB", Frame.Binary(Binary(size * MiB))) { Limits = Limits.Raised }.Echoes();
        }
        yield return new Exchange("1 MiB, the default limit", Frame.Binary(Binary(MiB))).Echoes();
    }

    internal static IEnumerable<Exchange> ManyFragments()
    {
        foreach (var (size, fragment) in new[] { (4 * MiB, 256 * 1024), (4 * MiB, 4096), (MiB, 64), (100_000, 1) })
        {
            foreach (var opcode in new[] { 1, 2 })
            {
                var payload = opcode == 1 ? Text(size) : Binary(size);
                var frames = payload.Chunk(fragment).Select((part, i) => new Frame(i == 0 ? opcode : 0, part) { Fin = (i + 1) * fragment >= size });
                yield return new Exchange($"opcode {opcode}, {size} in fragments of {fragment}", [.. frames]) { Limits = Limits.Raised }.Answers(new Frame(opcode, payload));
            }
        }
    }

    internal static IEnumerable<Exchange> ManyMessages()
    {
        foreach (var length in new[] { 0, 16, 64, 125, 126, 256, 4096 })
        {
            Frame[] frames = [.. Enumerable.Range(0, 1000).Select(i => i % 2 == 0 ? Frame.Text(Text(length)) : Frame.Binary(Binary(length)))];
            yield return new Exchange($"1000 of {length}", frames).Echoes();
        }
    }

    internal static IEnumerable<Exchange> Pieces()
    {
        foreach (var length in new[] { 1300, 4097, 16_385, 65_535 })
        {
            yield return new Exchange($"text of {length}", Frame.Text(Text(length))).Echoes();
            yield return new Exchange($"three texts around {length}", Frame.Text(Text(length)), Frame.Text("in between"), Frame.Text(Text(length + 1))).Echoes();
        }
    }

    internal static IEnumerable<Exchange> AtTheLimit()
    {
        yield return new Exchange("the limit", Frame.Text(Text(1000))) { Limits = Limits.Small }.Echoes();
        foreach (var more in new[] { 1, 2, 100, 64 * 1024 })
        {
            yield return new Exchange($"{more} more, announced", Frame.Binary(new byte[1000 + more]).Withheld(0)) { Limits = Limits.Small }.Fails(1009);
            yield return new Exchange($"{more} more in a fragment", Frame.Binary(new byte[999]).Unfinished(), Frame.Continuation(new byte[1 + more]).Withheld(0)) { Limits = Limits.Small }.Fails(1009);
        }
        yield return new Exchange("behind a message", Frame.Text("owed"), Frame.Text(Text(1001)).Withheld(0)) { Limits = Limits.Small }.Answers(Frame.Text("owed")).Fails(1009);
        yield return new Exchange("as many fragments as allowed", Fragments(10, last: true)) { Limits = Limits.Small }.Answers(Frame.Text("xxxxxxxxxx"));
        yield return new Exchange("one fragment more", [.. Fragments(10, last: false), new Frame(0, []) { Announced = 1 }]) { Limits = Limits.Small }.Fails(1008);
    }

    private static Frame[] Fragments(int count, bool last)
        => [.. Enumerable.Range(0, count).Select(i => new Frame(i == 0 ? 1 : 0, "x"u8.ToArray()) { Fin = last && i == count - 1 })];

    // Characters of three bytes, and ASCII to fill up.
    private static byte[] Text(int length)
    {
        var text = new byte[length];
        var at = 0;
        for (; at + 3 <= length; at += 3) "€"u8.CopyTo(text.AsSpan(at));
        for (; at < length; at++) text[at] = (byte)'x';
        return text;
    }

    private static byte[] Binary(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }
}
