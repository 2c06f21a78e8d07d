using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class HttpGrammarTests
{
    private const string TokenPunctuation = "!#$%&'*+-.^_`|~";

    [Fact]
    public void RFC_9110_5_6_2_token_characters_are_exactly_these()
    {
        for (var c = 0; c <= char.MaxValue; c++)
        {
            var expected = char.IsAsciiLetterOrDigit((char)c) || TokenPunctuation.Contains((char)c);
            HttpGrammar.IsToken([(char)c]).ShouldBe(expected, $"U+{c:X4}");
        }
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("abc=1", 3)]
    [InlineData(" abc", 0)]
    [InlineData("a\0b", 1)]
    public void The_length_of_a_leading_token(string text, int length) => HttpGrammar.TokenLength(text).ShouldBe(length);

    [Theory]
    [InlineData("upgrade")]
    [InlineData("Upgrade")]
    [InlineData("UPGRADE")]
    [InlineData("keep-alive, Upgrade")]
    [InlineData("keep-alive,upgrade")]
    [InlineData("upgrade, keep-alive")]
    [InlineData("a ,\tupgrade\t, b")]
    [InlineData(",, ,upgrade")] // RFC 9110 §5.6.1.2: empty elements
    [InlineData("upgrade,,")]
    [InlineData("\"x\", upgrade")]
    [InlineData("\"a,\\\"b\", upgrade")]
    public void RFC_9110_5_6_1_2_the_list_contains_the_token(string list) =>
        HttpGrammar.ContainsToken(list, "upgrade").ShouldBeTrue();

    [Theory]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("upgrades")]
    [InlineData("up grade")]
    [InlineData("upgrade keep-alive")]
    [InlineData("upgrade;q=1")]
    [InlineData("not-upgrade")]
    [InlineData("\"upgrade\"")]
    [InlineData("\"a, upgrade, b\"")] // a comma inside quotes separates nothing
    [InlineData("\"a, upgrade")] // and a quote that never ends swallows the rest
    [InlineData("\"a\\\", upgrade")]
    [InlineData("upgrade\0")]
    [InlineData("upgrade\r\n")]
    [InlineData("\u00a0upgrade")] // white space, but not HTTP's
    [InlineData("upgra\u0434e")]
    public void The_list_does_not_contain_the_token(string list) =>
        HttpGrammar.ContainsToken(list, "upgrade").ShouldBeFalse();

    [Theory]
    [InlineData("web\u017focket")] // long s, whose upper case is S
    [InlineData("websoc\u212aet")] // the Kelvin sign, whose lower case is k
    public void Case_is_ignored_for_ASCII_only(string list) =>
        HttpGrammar.ContainsToken(list, "websocket").ShouldBeFalse();

    [Fact]
    public void Texts_beyond_ASCII_are_never_the_same()
    {
        HttpGrammar.EqualsIgnoreCase("example", "EXAMPLE").ShouldBeTrue();
        HttpGrammar.EqualsIgnoreCase("\u00e9", "\u00c9").ShouldBeFalse();
        HttpGrammar.EqualsIgnoreCase("\u00e9", "\u00e9").ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void A_list_longer_than_the_limit_contains_nothing(int over, bool expected)
    {
        const string End = ",upgrade";
        var list = new string(',', HttpGrammar.MaxFieldLength - End.Length + over) + End;
        HttpGrammar.ContainsToken(list, "upgrade").ShouldBe(expected);
    }

    [Fact]
    public void Thousands_of_elements_are_walked_once()
    {
        ReadOnlySpan<char> list = string.Join(',', Enumerable.Repeat("a", 8000));
        var count = 0;
        while (HttpGrammar.TryReadElement(ref list, out var element))
        {
            element.Length.ShouldBe(1);
            count++;
        }

        count.ShouldBe(8000);
    }

    [Fact]
    public void Random_lists_give_the_same_elements_as_a_plain_split()
    {
        var random = new Random(6455);
        for (var i = 0; i < 5000; i++)
        {
            var list = RandomText.From(random, "ab,, \t\0é", 24);
            var expected = list.Split(',').Select(element => element.Trim(' ', '\t')).Where(element => element.Length > 0);
            Elements(list).ShouldBe(expected);
        }
    }

    [Theory]
    [InlineData("\"\"", "", 2)]
    [InlineData("\"abc\" rest", "abc", 5)]
    [InlineData("\"a\\\"b\"", "a\"b", 6)]
    [InlineData("\"\\\\\"", "\\", 4)]
    [InlineData("\"\\a\\b\"", "ab", 6)]
    [InlineData("\"a\tb, ;\"", "a\tb, ;", 8)]
    public void RFC_9110_5_6_4_reads_a_quoted_string(string text, string content, int length)
    {
        HttpGrammar.TryReadQuoted(text, out var actual, out var consumed).ShouldBeTrue();
        actual.ShouldBe(content);
        consumed.ShouldBe(length);
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("\"abc")]
    [InlineData("\"abc\\")]
    [InlineData("\"abc\\\"")]
    [InlineData("\"a\0b\"")]
    [InlineData("\"a\r\nb\"")]
    [InlineData("\"a\\\nb\"")]
    [InlineData("\"a\u007fb\"")]
    public void A_quoted_string_must_end_and_hold_no_control_character(string text) =>
        HttpGrammar.TryReadQuoted(text, out _, out _).ShouldBeFalse();

    private static List<string> Elements(ReadOnlySpan<char> list)
    {
        var elements = new List<string>();
        while (HttpGrammar.TryReadElement(ref list, out var element)) elements.Add(element.ToString());
        return elements;
    }
}
