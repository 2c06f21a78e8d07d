using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class HandshakePolicyTests
{
    [Fact]
    public void The_default_speaks_no_subprotocol_and_trusts_its_own_pages()
    {
        HandshakePolicy.Default.Subprotocols.ShouldBeEmpty();
        HandshakePolicy.Default.Origins.ShouldBeSameAs(OriginPolicy.SameOrigin);
    }

    [Theory]
    [InlineData("")]
    [InlineData("chat room")]
    [InlineData("chat,superchat")]
    [InlineData("chat\r\n")]
    [InlineData("ch\u00e4t")]
    [InlineData(null)]
    public void Section_4_1_a_subprotocol_is_a_token(string? subprotocol)
    {
        var error = Should.Throw<ArgumentException>(() => new HandshakePolicy { Subprotocols = ["chat", subprotocol!] });
        error.Message.ShouldContain($"{Excerpt.Of(subprotocol)} is not a token");
        error.ParamName.ShouldBe("Subprotocols");
    }

    [Fact]
    public void A_subprotocol_stands_there_once() =>
        Should.Throw<ArgumentException>(() => new HandshakePolicy { Subprotocols = ["chat", "Chat", "chat"] })
            .Message.ShouldContain("\"chat\" is listed twice");

    [Fact]
    public void The_list_is_a_copy()
    {
        string[] mine = ["chat"];
        var policy = new HandshakePolicy { Subprotocols = mine };
        mine[0] = "changed";
        policy.Subprotocols.ShouldBe(["chat"]);
    }

    [Fact]
    public void Nothing_is_null()
    {
        Should.Throw<ArgumentNullException>(() => new HandshakePolicy { Subprotocols = null! });
        Should.Throw<ArgumentNullException>(() => new HandshakePolicy { Origins = null! });
    }
}
