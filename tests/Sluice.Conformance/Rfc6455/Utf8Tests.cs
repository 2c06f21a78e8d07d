using System.Text;
using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §8.1 and RFC 3629: text is UTF-8, and what can't become UTF-8 any more fails at that very byte.</summary>
public class Utf8Tests
{
    private static readonly byte[] Before = Encoding.UTF8.GetBytes("Schöne Grüße ☃ 𝄞");

    [Theory, Matrix(nameof(Valid))]
    public Task Section_8_1_valid_text_comes_back(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ValidSplit))]
    public Task Section_5_6_a_fragment_may_end_inside_a_character(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Impossible))]
    public Task Section_8_1_an_impossible_byte_fails_with_1007_at_once(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(ImpossibleInFragments))]
    public Task Section_8_1_an_impossible_byte_in_a_later_fragment_fails_with_1007_at_once(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Truncated))]
    public Task Section_8_1_a_message_that_ends_inside_a_character_fails_with_1007(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(NotText))]
    public Task Section_5_6_binary_data_need_not_be_UTF_8(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Valid()
    {
        foreach (var bytes in Utf8Table.Valid)
        {
            yield return new Exchange(Convert.ToHexString(bytes), Frame.Text(bytes)).Echoes();
            yield return new Exchange($"{Convert.ToHexString(bytes)} amid text", Frame.Text([.. Before, .. bytes, .. Before])).Echoes();
        }
    }

    internal static IEnumerable<Exchange> ValidSplit()
    {
        byte[] text = Encoding.UTF8.GetBytes("aß€𝄞\U0010ffff");
        for (var at = 0; at <= text.Length; at++)
        {
            yield return new Exchange($"two fragments, the first of {at}", Frame.Text(text[..at]).Unfinished(), Frame.Continuation(text[at..])).Answers(Frame.Text(text));
            yield return new Exchange($"an empty one behind {at}", Frame.Text(text[..at]).Unfinished(), Frame.Continuation("").Unfinished(), Frame.Continuation(text[at..]))
                .Answers(Frame.Text(text));
            yield return new Exchange($"a ping behind {at}", Frame.Text(text[..at]).Unfinished(), Frame.Ping([0xff]), Frame.Continuation(text[at..]))
                .Answers(Frame.Pong([0xff]), Frame.Text(text));
        }
        Frame[] single = [.. text.Select((b, i) => new Frame(i == 0 ? 1 : 0, [b]) { Fin = i == text.Length - 1 })];
        yield return new Exchange("a fragment for each byte", single).Answers(Frame.Text(text));
    }

    internal static IEnumerable<Exchange> Impossible()
    {
        foreach (var (bytes, at) in Utf8Table.Impossible)
        {
            var hex = Convert.ToHexString(bytes);
            yield return new Exchange($"{hex} at {at}", Frame.Text([.. bytes, .. Before]).Withheld(at + 1)).Fails(1007);
            yield return new Exchange($"{hex} at {at} amid text", Frame.Text([.. Before, .. bytes, .. Before]).Withheld(Before.Length + at + 1)).Fails(1007);
            yield return new Exchange($"{hex} at {at} behind a message", Frame.Text("owed"), Frame.Text([.. bytes, .. Before]).Withheld(at + 1))
                .Answers(Frame.Text("owed")).Fails(1007);
        }
    }

    internal static IEnumerable<Exchange> ImpossibleInFragments()
    {
        foreach (var (bytes, at) in Utf8Table.Impossible.Where(entry => entry.At > 0))
        {
            for (var cut = 1; cut <= at; cut++)
            {
                var hex = $"{Convert.ToHexString(bytes)} at {at}, cut at {cut}";
                var rest = Frame.Continuation([.. bytes[cut..], .. Before]).Withheld(at - cut + 1);
                yield return new Exchange(hex, Frame.Text(bytes[..cut]).Unfinished(), rest).Fails(1007);
                yield return new Exchange($"{hex}, not the last fragment", Frame.Text([.. Before, .. bytes[..cut]]).Unfinished(), rest.Unfinished()).Fails(1007);
            }
        }
        // A fragment of its own, whole: the message is not waited for.
        yield return new Exchange("a whole fragment that is impossible", Frame.Text(Before).Unfinished(), Frame.Continuation([0xed, 0xa0]).Unfinished()).Fails(1007);
        yield return new Exchange("in the first fragment", Frame.Text([0xc0]).Unfinished()).Fails(1007);
        yield return new Exchange("behind a ping between fragments", Frame.Text([0xf0, 0x9d]).Unfinished(), Frame.Ping("p"), Frame.Continuation([0x41]).Unfinished())
            .Answers(Frame.Pong("p")).Fails(1007);
    }

    internal static IEnumerable<Exchange> Truncated()
    {
        foreach (var bytes in Utf8Table.Unfinished)
        {
            var hex = Convert.ToHexString(bytes);
            yield return new Exchange(hex, Frame.Text(bytes)).Fails(1007);
            yield return new Exchange($"{hex} behind text", Frame.Text([.. Before, .. bytes])).Fails(1007);
            yield return new Exchange($"{hex} behind a message", Frame.Text("owed"), Frame.Text(bytes)).Answers(Frame.Text("owed")).Fails(1007);
            yield return new Exchange($"{hex} in the last fragment", Frame.Text(Before).Unfinished(), Frame.Continuation(bytes)).Fails(1007);
            yield return new Exchange($"{hex} and an empty last fragment", Frame.Text(bytes).Unfinished(), Frame.Continuation("")).Fails(1007);
        }
    }

    internal static IEnumerable<Exchange> NotText()
    {
        foreach (var bytes in Utf8Table.Impossible.Take(8).Select(entry => entry.Bytes).Concat(Utf8Table.Unfinished.Take(3)))
        {
            yield return new Exchange(Convert.ToHexString(bytes), Frame.Binary(bytes)).Echoes();
        }
        yield return new Exchange("in fragments", Frame.Binary(0xff).Unfinished(), Frame.Continuation([0xc0, 0x80])).Answers(Frame.Binary(0xff, 0xc0, 0x80));
        // A new text begins afresh after a binary message that looked like the beginning of a character.
        yield return new Exchange("text behind it", Frame.Binary(0xf0, 0x9d), Frame.Text("fresh")).Answers(Frame.Binary(0xf0, 0x9d), Frame.Text("fresh"));
    }
}
