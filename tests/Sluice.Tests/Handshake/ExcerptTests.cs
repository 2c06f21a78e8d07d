using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class ExcerptTests
{
    [Theory]
    [InlineData("", "\"\"")]
    [InlineData("h2c, TLS/1.0", "\"h2c, TLS/1.0\"")]
    [InlineData("a\0\r\n\tb\u007f", "\"a\\u0000\\u000d\\u000a\\u0009b\\u007f\"")]
    [InlineData("a\"b\\c", "\"a\\u0022b\\u005cc\"")]
    [InlineData("<script>&", "\"\\u003cscript\\u003e\\u0026\"")]
    [InlineData("é\u2028😀", "\"\\u00e9\\u2028\\ud83d\\ude00\"")]
    [InlineData("\u001b[31m", "\"\\u001b[31m\"")] // no colours in the operator's terminal
    public void Quotes_and_escapes(string text, string expected) => Excerpt.Of(text).ShouldBe(expected);

    [Fact]
    public void Is_short_whatever_comes()
    {
        Excerpt.Of(new string('a', 1 << 20)).ShouldBe($"\"{new string('a', 90)}...\"");
        Excerpt.Of(new string('\0', 1 << 20)).Length.ShouldBeInRange(90, Excerpt.MaxLength);
        var random = new Random(9110);
        for (var i = 0; i < 5000; i++)
        {
            var excerpt = Excerpt.Of(RandomText.From(random, RandomText.Hostile, 300));
            excerpt.Length.ShouldBeLessThanOrEqualTo(Excerpt.MaxLength);
            RandomText.IsPrintable(excerpt).ShouldBeTrue(excerpt);
            excerpt.IndexOf('"', 1).ShouldBe(excerpt.Length - 1);
        }
    }

    [Fact]
    public void A_field_is_missing_or_shown()
    {
        Excerpt.OfField(null).ShouldBe("it is missing");
        Excerpt.OfField("").ShouldBe("it is \"\"");
        Excerpt.OfField("8").ShouldBe("it is \"8\"");
    }
}
