using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §5.5.1 and §7.4: what may stand in a close frame, and its answer.</summary>
public class CloseFrameTests
{
    [Theory, Matrix(nameof(Good))]
    public Task Section_5_5_1_a_close_frame_is_answered_by_one_with_its_code(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(GoodCodes))]
    public Task Section_7_4_a_code_that_may_be_sent_is_answered(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(BadCodes))]
    public Task Section_7_4_a_code_that_may_not_be_sent_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(BadCodesEarly))]
    public Task Section_7_4_a_code_that_may_not_be_sent_fails_before_the_reason_has_come(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(OneByte))]
    public Task Section_5_5_1_a_payload_of_one_byte_fails_with_1002_at_the_header(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(BadReasons))]
    public Task Section_8_1_a_reason_that_is_not_UTF_8_fails_with_1007(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Behind))]
    public Task Section_5_5_1_what_comes_behind_a_close_frame_is_not_looked_at(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Good()
    {
        yield return new Exchange("without a payload", Frame.Close()).Closes(Frame.Close());
        yield return new Exchange("a code", Frame.Close(1000)).Closes(Frame.Close(1000));
        foreach (var length in new[] { 1, 2, 60, 122, 123 })
        {
            yield return new Exchange($"a reason of {length}", Frame.Close(1000, new string('r', length))).Closes(Frame.Close(1000));
        }
        yield return new Exchange("a reason of 123 bytes beyond ASCII", Frame.Close(1001, new string('€', 41))).Closes(Frame.Close(1001));
        yield return new Exchange("a reason with a zero", Frame.Close(1000, "a\0b")).Closes(Frame.Close(1000));
        yield return new Exchange("behind a message", Frame.Text("owed"), Frame.Close(1000)).Answers(Frame.Text("owed")).Closes(Frame.Close(1000));
        yield return new Exchange("behind three messages", Frame.Text("1"), Frame.Binary(2), Frame.Text("3"), Frame.Close(1000))
            .Answers(Frame.Text("1"), Frame.Binary(2), Frame.Text("3")).Closes(Frame.Close(1000));
        yield return new Exchange("behind a large message", Frame.Binary(new byte[100_000]), Frame.Close()).Answers(Frame.Binary(new byte[100_000])).Closes(Frame.Close());
    }

    internal static IEnumerable<Exchange> GoodCodes()
    {
        foreach (var code in new[] { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3500, 3999, 4000, 4500, 4999 })
        {
            yield return new Exchange($"{code}", Frame.Close(code)).Closes(Frame.Close(code));
            yield return new Exchange($"{code} with a reason", Frame.Close(code, "reason ß")).Closes(Frame.Close(code));
        }
    }

    internal static IEnumerable<Exchange> BadCodes()
    {
        foreach (var code in BadCodeList) yield return new Exchange($"{code}", Frame.Close(code)).Fails(1002);
        yield return new Exchange("behind a message", Frame.Text("owed"), Frame.Close(1006)).Answers(Frame.Text("owed")).Fails(1002);
    }

    internal static IEnumerable<Exchange> BadCodesEarly()
    {
        foreach (var code in BadCodeList)
        {
            // Two bytes of the payload, or one where no second one could make it a code that may be sent.
            var known = code >> 8 is not 3 and not (>= 11 and <= 19) ? 1 : 2;
            yield return new Exchange($"{code}", Frame.Close(code, "a reason that never comes").Withheld(known)).Fails(1002);
        }
    }

    internal static IEnumerable<Exchange> OneByte()
    {
        yield return new Exchange("the header alone", new Frame(8, []) { Announced = 1, Sent = 2 }).Fails(1002);
        yield return new Exchange("the whole frame", new Frame(8, [3])).Fails(1002);
        yield return new Exchange("behind a message", Frame.Text("owed"), new Frame(8, []) { Announced = 1, Sent = 2 }).Answers(Frame.Text("owed")).Fails(1002);
        yield return new Exchange("between fragments", Frame.Text("a").Unfinished(), new Frame(8, []) { Announced = 1, Sent = 2 }).Fails(1002);
    }

    internal static IEnumerable<Exchange> BadReasons()
    {
        foreach (var (bytes, at) in Utf8Table.Impossible)
        {
            var hex = Convert.ToHexString(bytes);
            yield return new Exchange(hex, Frame.Close(1000, bytes)).Fails(1007);
            yield return new Exchange($"{hex}, up to the impossible byte", Frame.Close(1000, [.. bytes, .. "more"u8]).Withheld(2 + at + 1)).Fails(1007);
        }
        foreach (var bytes in Utf8Table.Unfinished)
        {
            yield return new Exchange($"unfinished {Convert.ToHexString(bytes)}", Frame.Close(1000, bytes)).Fails(1007);
        }
    }

    internal static IEnumerable<Exchange> Behind()
    {
        Frame[][] behind =
        [
            [Frame.Text("late")], [Frame.Ping("late")], [Frame.Close(1001)], [Frame.Continuation("late")], [new Frame(3, [])],
            [Frame.Text("late").Rsv(7)], [Frame.Text([0xff])], [Frame.Binary(new byte[1000])], [Frame.Text("late") with { WronglyMasked = true }],
        ];
        foreach (var frames in behind)
        {
            var name = $"{frames[0].Opcode}, RSV {frames[0].Reserved}, {frames[0].Payload.Length} bytes";
            yield return new Exchange(name, [Frame.Close(1000), .. frames]).Closes(Frame.Close(1000));
            yield return new Exchange($"{name}, and a message before", [Frame.Text("owed"), Frame.Close(), .. frames]).Answers(Frame.Text("owed")).Closes(Frame.Close());
        }
        yield return new Exchange("a large message", Frame.Close(1000), Frame.Binary(new byte[262_144])).Closes(Frame.Close(1000));
    }

    private static readonly int[] BadCodeList =
        [0, 1, 255, 256, 767, 768, 999, 1004, 1005, 1006, 1015, 1016, 1023, 1024, 1100, 2000, 2815, 2816, 2999, 5000, 5119, 5120, 32768, 65535];
}
