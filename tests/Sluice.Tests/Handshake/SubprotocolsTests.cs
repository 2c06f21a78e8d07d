using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class SubprotocolsTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("chat", "chat")]
    [InlineData("chat, superchat", "chat|superchat")] // RFC 6455 §1.2
    [InlineData("chat,superchat", "chat|superchat")]
    [InlineData(" chat\t,\tsuperchat ", "chat|superchat")]
    [InlineData(", ,chat,,", "chat")] // RFC 9110 §5.6.1.2
    [InlineData("chat, Chat", "chat|Chat")] // unique is exact
    [InlineData("json.reliable.webpubsub.azure.v1", "json.reliable.webpubsub.azure.v1")]
    [InlineData("v4.channel.k8s.io, base64url.bearer.authorization.k8s.io.ZXlK", "v4.channel.k8s.io|base64url.bearer.authorization.k8s.io.ZXlK")]
    public void Section_4_1_reads_unique_tokens_in_order(string? header, string expected)
    {
        Subprotocols.TryParse(header, out var offered, out var error).ShouldBeTrue();
        error.ShouldBeNull();
        string.Join('|', offered).ShouldBe(expected);
    }

    [Theory]
    [InlineData("", "names none")]
    [InlineData(" \t", "names none")]
    [InlineData(",,,", "names none")]
    [InlineData("chat, chat", "\"chat\" stands there twice")]
    [InlineData("a, b, c, b", "\"b\" stands there twice")]
    [InlineData("chat room", "\"chat room\" is not one")]
    [InlineData("chat;q=1", "is not one")]
    [InlineData("chat/1", "is not one")]
    [InlineData("\"chat\"", "is not one")]
    [InlineData("\"chat", "is not one")]
    [InlineData("\"a, b\"", "\"\\u0022a, b\\u0022\" is not one")]
    [InlineData("chat\0", "\"chat\\u0000\" is not one")]
    [InlineData("chat\r\nSet-Cookie: a=b", "\\u000d\\u000a")]
    [InlineData("ch\u00e4t", "is not one")]
    [InlineData("chat\u00a0", "is not one")]
    public void Section_4_1_refuses_what_breaks_the_grammar(string header, string says)
    {
        Subprotocols.TryParse(header, out var offered, out var error).ShouldBeFalse();
        offered.ShouldBeEmpty();
        error.ShouldNotBeNull().ShouldContain(says);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void The_count_is_limited(int over, bool expected)
    {
        var names = Enumerable.Range(0, Subprotocols.MaxCount + over).Select(i => $"p{i}").ToArray();
        Subprotocols.TryParse(string.Join(", ", names), out var offered, out var error).ShouldBe(expected);
        if (expected) offered.ShouldBe(names);
        else error.ShouldNotBeNull().ShouldContain("more than 64");
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void The_length_is_limited(int over, bool expected)
    {
        var header = new string('a', Subprotocols.MaxLength + over);
        Subprotocols.TryParse(header, out _, out var error).ShouldBe(expected);
        if (!expected) error.ShouldNotBeNull().ShouldContain($"has {header.Length} characters; at most 16384");
    }

    [Fact]
    public void A_full_length_of_commas_names_nothing() =>
        Subprotocols.TryParse(new string(',', Subprotocols.MaxLength), out _, out _).ShouldBeFalse();

    [Theory]
    [InlineData("a,b", "a,b", "a")]
    [InlineData("a,b", "b,a", "a")] // the server's order decides
    [InlineData("a,b", "x,b", "b")]
    [InlineData("a,b", "x,y", null)]
    [InlineData("a", "A", null)] // compared exactly
    [InlineData("", "a", null)]
    [InlineData("a", "", null)]
    public void Section_4_2_2_chooses_the_servers_first_that_is_offered(string preferences, string offered, string? chosen)
    {
        const StringSplitOptions Options = StringSplitOptions.RemoveEmptyEntries;
        Subprotocols.Choose(preferences.Split(',', Options), offered.Split(',', Options)).ShouldBe(chosen);
    }

    [Fact]
    public void Random_headers_never_throw_and_what_is_read_reads_back()
    {
        var random = new Random(41);
        var (read, refused) = (0, 0);
        for (var i = 0; i < 10_000; i++)
        {
            var header = string.Join(", ", Enumerable.Range(0, random.Next(1, 6)).Select(_ => RandomText.Token(random)));
            if (random.Next(2) == 0) header = RandomText.Mutate(random, header);
            if (!Subprotocols.TryParse(header, out var offered, out var error))
            {
                error.ShouldNotBeNull().Length.ShouldBeLessThan(250);
                refused++;
                continue;
            }

            offered.ShouldBeUnique();
            Subprotocols.TryParse(string.Join(",", offered), out var again, out _).ShouldBeTrue();
            again.ShouldBe(offered);
            read++;
        }

        read.ShouldBeGreaterThan(4000);
        refused.ShouldBeGreaterThan(2000);
    }
}
