using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class ExtensionOfferTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("foo, bar; baz=2", "foo, bar; baz=2")] // RFC 6455 §9.1, two lines joined
    [InlineData("deflate-stream", "deflate-stream")]
    [InlineData("mux; max-channels=4; flow-control, deflate-stream", "mux; max-channels=4; flow-control, deflate-stream")]
    [InlineData("private-extension", "private-extension")]
    [InlineData("permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits")] // Chromium
    [InlineData("a;b=1;c", "a; b=1; c")]
    [InlineData("\ta ;\tb\t= 1 ; c ,d", "a; b=1; c, d")] // RFC 2616's implied white space
    [InlineData(", ,a,,b,", "a, b")] // RFC 9110 §5.6.1.2
    [InlineData("a; b=\"10\"", "a; b=10")]
    [InlineData("a; b=\"1\\0\"", "a; b=10")]
    [InlineData("a; b=\"\\x\\y\"; c", "a; b=xy; c")]
    [InlineData("a; b = \"10\" , c", "a; b=10, c")]
    [InlineData("a; b=1, a; b=2, a", "a; b=1, a; b=2, a")] // alternatives, best first
    [InlineData("a; b; b=1; b", "a; b; b=1; b")]
    public void Section_9_1_reads_offers(string? header, string written)
    {
        ExtensionOffer.TryParse(header, out var offers, out var error).ShouldBeTrue(error);
        error.ShouldBeNull();
        (ExtensionOffer.ToHeader(offers) ?? "").ShouldBe(written);
    }

    [Fact]
    public void Section_9_1_takes_offers_apart()
    {
        ExtensionOffer.TryParse("mux; max=\"4\"; flow, deflate", out var offers, out _).ShouldBeTrue();
        offers.Count.ShouldBe(2);
        offers[0].Name.ShouldBe("mux");
        offers[0].Parameters.ShouldBe([new("max", "4"), new("flow")]);
        offers[0].ToString().ShouldBe("mux; max=4; flow");
        offers[1].Name.ShouldBe("deflate");
        offers[1].Parameters.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("", "no extension")]
    [InlineData(" ,\t, ", "no extension")]
    [InlineData(";", "at character 1, \";\" where an extension's name")]
    [InlineData("=1", "an extension's name")]
    [InlineData("\"a\"", "an extension's name")]
    [InlineData("a b", "at character 3, \"b\" where \";\", \",\" or the end")]
    [InlineData("a=1", "\"=\" where \";\"")]
    [InlineData("a;", "at character 3, its end where a parameter's name")]
    [InlineData("a;;b", "\";\" where a parameter's name")]
    [InlineData("a;,b", "\",\" where a parameter's name")]
    [InlineData("a;=1", "a parameter's name")]
    [InlineData("a; \"b\"", "a parameter's name")]
    [InlineData("a; b=", "its end where a parameter's value")]
    [InlineData("a; b=,", "\",\" where a parameter's value")]
    [InlineData("a; b==", "a parameter's value")]
    [InlineData("a; b=1 2", "\"2\" where \";\"")]
    [InlineData("a; b=\"1\"2", "\"2\" where \";\"")]
    [InlineData("a; b=\"", "does not end")]
    [InlineData("a; b=\"1", "does not end")]
    [InlineData("a; b=\"1\\\"", "does not end")]
    [InlineData("a; b=\"1\\", "does not end")]
    [InlineData("a; b=\"\"", "\"\", which is not a token")]
    [InlineData("a; b=\"1 2\"", "\"1 2\", which is not a token")]
    [InlineData("a; b=\"1,2\"", "not a token")]
    [InlineData("a; b=\"\\\"\"", "\"\\u0022\", which is not a token")]
    [InlineData("a; b=\"\u00e9\"", "\"\\u00e9\", which is not a token")]
    [InlineData("a; b=\"\0\"", "control character")]
    [InlineData("a\0", "\"\\u0000\"")]
    [InlineData("a\r\nX: y", "\"\\u000d\"")]
    [InlineData("a\n, b", "\"\\u000a\"")]
    [InlineData("\u00e9", "\"\\u00e9\"")]
    [InlineData("a\u00a0", "\"\\u00a0\"")]
    [InlineData("a/b", "\"/\"")]
    [InlineData("a, b, c; d=\"", "at character 12")]
    public void Section_9_1_refuses_what_breaks_the_grammar(string header, string says)
    {
        ExtensionOffer.TryParse(header, out var offers, out var error).ShouldBeFalse();
        offers.ShouldBeEmpty();
        error.ShouldNotBeNull().ShouldContain(says);
        error.ShouldEndWith("(RFC 6455 §9.1)");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void The_number_of_offers_is_limited(int over, bool expected)
    {
        var header = string.Join(",", Enumerable.Repeat("a", ExtensionOffer.MaxCount + over));
        ExtensionOffer.TryParse(header, out var offers, out var error).ShouldBe(expected);
        if (expected) offers.Count.ShouldBe(ExtensionOffer.MaxCount);
        else error.ShouldNotBeNull().ShouldContain("more than 32 offers");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void The_number_of_parameters_is_limited(int over, bool expected)
    {
        var header = "a" + string.Concat(Enumerable.Repeat(";b=\"1\"", ExtensionOffer.MaxParameters + over)) + ",c";
        ExtensionOffer.TryParse(header, out var offers, out var error).ShouldBe(expected);
        if (expected) offers[0].Parameters.Count.ShouldBe(ExtensionOffer.MaxParameters);
        else error.ShouldNotBeNull().ShouldContain("more than 32 parameters");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void The_length_is_limited(int over, bool expected)
    {
        var header = new string('a', ExtensionOffer.MaxLength + over);
        ExtensionOffer.TryParse(header, out _, out var error).ShouldBe(expected);
        if (!expected) error.ShouldNotBeNull().ShouldContain($"has {header.Length} characters; at most 16384");
    }

    [Theory]
    [InlineData(",", 16_384)] // empty elements only
    [InlineData("a;", 8_192)] // as one extension's parameters: CVE-2020-7663's kind of input
    [InlineData("a,", 8_192)]
    [InlineData("a;b=\"\\", 2_700)] // quotes that never end
    [InlineData(" ", 16_384)]
    public void A_full_length_of_hostile_repetition_is_refused(string part, int times)
    {
        var header = string.Concat(Enumerable.Repeat(part, times));
        header.Length.ShouldBeLessThanOrEqualTo(ExtensionOffer.MaxLength);
        ExtensionOffer.TryParse(header, out _, out var error).ShouldBeFalse();
        error.ShouldNotBeNull().Length.ShouldBeLessThan(250);
    }

    [Theory]
    [InlineData("", "b", "1")]
    [InlineData("a b", "b", "1")]
    [InlineData("a\r\n", "b", "1")]
    [InlineData("a", "", "1")]
    [InlineData("a", "b=c", "1")]
    [InlineData("a", "b", "")]
    [InlineData("a", "b", "1, x")]
    public void An_offer_of_ours_consists_of_tokens(string name, string parameter, string value) =>
        Should.Throw<ArgumentException>(() => new ExtensionOffer(name, new ExtensionParameter(parameter, value)))
            .Message.ShouldContain("is not a token");

    [Fact]
    public void An_offer_of_ours_takes_the_same_number_of_parameters_as_the_parser()
    {
        var most = Enumerable.Repeat(new ExtensionParameter("b"), ExtensionOffer.MaxParameters).ToArray();
        new ExtensionOffer("a", most).Parameters.Count.ShouldBe(ExtensionOffer.MaxParameters);
        Should.Throw<ArgumentException>(() => new ExtensionOffer("a", [.. most, new("c")])).Message.ShouldContain("at most 32");
    }

    [Fact]
    public void No_offers_make_no_header() => ExtensionOffer.ToHeader([]).ShouldBeNull();
}
