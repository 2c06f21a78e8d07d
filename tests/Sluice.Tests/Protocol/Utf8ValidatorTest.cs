using System.Text;
using System.Text.Unicode;
using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

public class Utf8ValidatorTest
{
    // Well-formed characters of every length and the borders of the ranges of RFC 3629 §4, for random mixtures.
    private static readonly string[] Characters =
    [
        "a", "Z", " ", "\u007F", "\u0080", "é", "\u07FF", "\u0800", "€", "曉", "\uD7FF", "\uE000", "\uFFFD",
        "\U00010000", "🌊", "\U0010FFFF",
    ];

    [Theory]
    [InlineData("", 0)]
    [InlineData("48656C6C6F", 5)]
    [InlineData("C3A9", 2)]
    [InlineData("E282AC", 3)]
    [InlineData("F09F8C8A", 4)]
    [InlineData("EFBBBF", 3)] // a byte order mark is a character like others
    [InlineData("F48FBFBF", 4)] // U+10FFFF
    [InlineData("ED9FBF", 3)] // U+D7FF
    [InlineData("EE8080", 3)] // U+E000
    public void Text_of_RFC_3629_is_valid_and_complete(string hex, int length)
    {
        var validator = default(Utf8Validator);
        validator.TryAppend(Convert.FromHexString(hex)).ShouldBeTrue();
        validator.IsComplete.ShouldBeTrue();
        validator.ValidLength.ShouldBe(length);
    }

    [Theory]
    [InlineData("80", 0)] // continues nothing
    [InlineData("C0", 0)] // overlong whatever follows
    [InlineData("C1", 0)]
    [InlineData("F5", 0)] // beyond U+10FFFF whatever follows
    [InlineData("FF", 0)]
    [InlineData("C328", 1)]
    [InlineData("C3C3", 1)]
    [InlineData("E080", 1)] // overlong
    [InlineData("EDA0", 1)] // a surrogate
    [InlineData("F080", 1)] // overlong
    [InlineData("F490", 1)] // beyond U+10FFFF
    [InlineData("E28228", 2)]
    [InlineData("F09F8C28", 3)]
    [InlineData("61C3A9F49061", 4)]
    public void The_first_impossible_byte_fails_8_1(string hex, int badAt)
    {
        var bytes = Convert.FromHexString(hex);
        var validator = default(Utf8Validator);
        validator.TryAppend(bytes).ShouldBeFalse();
        validator.ValidLength.ShouldBe(badAt);
        validator.IsComplete.ShouldBeFalse();

        // Not a byte sooner: what stands before it was possible.
        validator.Reset();
        validator.TryAppend(bytes.AsSpan(0, badAt)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("C3")]
    [InlineData("E282")]
    [InlineData("F09F8C")]
    [InlineData("6162F4")]
    public void A_character_cut_at_the_end_is_possible_but_not_complete(string hex)
    {
        var validator = default(Utf8Validator);
        validator.TryAppend(Convert.FromHexString(hex)).ShouldBeTrue();
        validator.IsComplete.ShouldBeFalse();
        validator.TryAppend([]).ShouldBeTrue();
        validator.IsComplete.ShouldBeFalse();
    }

    [Fact]
    public void A_failure_lasts_until_reset()
    {
        var validator = default(Utf8Validator);
        validator.TryAppend("ab"u8).ShouldBeTrue();
        validator.TryAppend([0x63, 0xFF, 0x64]).ShouldBeFalse();
        validator.TryAppend("good again"u8).ShouldBeFalse();
        validator.TryAppend([]).ShouldBeFalse();
        validator.ValidLength.ShouldBe(3);

        validator.Reset();
        validator.ValidLength.ShouldBe(0);
        validator.IsComplete.ShouldBeTrue();
        validator.TryAppend("good again"u8).ShouldBeTrue();
        validator.ValidLength.ShouldBe(10);
    }

    [Fact]
    public void Reset_forgets_a_character_under_way()
    {
        var validator = default(Utf8Validator);
        validator.TryAppend([0xE2, 0x82]).ShouldBeTrue();
        validator.Reset();
        validator.TryAppend([0xAC]).ShouldBeFalse();
    }

    [Fact]
    public void A_bad_byte_is_found_wherever_it_stands_in_a_long_text()
    {
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("plain text, Виктор, 曉處, 🌊; ", 8)));
        for (var i = 0; i < text.Length; i++)
        {
            var bytes = text.AsSpan().ToArray();
            bytes[i] = 0xFF;
            var validator = default(Utf8Validator);
            validator.TryAppend(bytes).ShouldBeFalse();
            validator.ValidLength.ShouldBe(i);
        }
    }

    [Fact]
    public void Random_mixtures_split_anywhere_fail_at_the_same_byte()
    {
        var random = new Random(3629);
        int valid = 0, invalid = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Mixture(random, random.Next(0, 40));
            if (random.Next(2) == 0 && bytes.Length > 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            Utf8Splits.Check(bytes);
            if (Utf8.IsValid(bytes)) valid++;
            else invalid++;
        }

        valid.ShouldBeGreaterThan(5_000); // the mixture is one, so both answers were put to the test
        invalid.ShouldBeGreaterThan(5_000);
    }

    [Fact]
    public void Random_texts_in_many_chunks_agree_with_the_base_class_library()
    {
        var random = new Random(8);
        for (var round = 0; round < 500; round++)
        {
            var bytes = Mixture(random, 2_000);
            if (round % 2 == 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(0x80, 0x100);
            var validator = default(Utf8Validator);
            var good = true;
            for (var at = 0; at < bytes.Length;)
            {
                var length = Math.Min(random.Next(0, 300), bytes.Length - at);
                good &= validator.TryAppend(bytes.AsSpan(at, length));
                at += length;
            }

            (good && validator.IsComplete).ShouldBe(Utf8.IsValid(bytes));
            var (badAt, _) = Utf8Reference.Check(bytes);
            validator.ValidLength.ShouldBe(badAt < 0 ? bytes.Length : badAt);
        }
    }

    private static byte[] Mixture(Random random, int characters)
    {
        var text = new StringBuilder();
        for (var i = 0; i < characters; i++)
        {
            // Runs of ASCII, as real texts have them, so that the fast and the exact way take turns.
            if (random.Next(8) == 0) text.Append('x', random.Next(20));
            text.Append(Characters[random.Next(Characters.Length)]);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
