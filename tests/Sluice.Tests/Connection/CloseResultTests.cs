namespace Sluice.Tests.Connection;

public class CloseResultTests
{
    [Fact]
    public void A_reason_stays_on_one_line()
    {
        var result = new CloseResult(CloseCode.NormalClosure, "bye\n12:00 info: forged\u001b[2J\u2028é", byPeer: true, wasClean: true);
        result.ToString().ShouldBe("closed by the peer with 1000: bye\\u000a12:00 info: forged\\u001b[2J\\u2028é");
        result.Reason.ShouldContain("\n");
    }

    [Fact]
    public void Expected_and_unexpected_codes_are_told_apart()
    {
        var result = new CloseResult(CloseCode.GoingAway, "", byPeer: true, wasClean: true);
        result.Is(CloseCode.NormalClosure, CloseCode.GoingAway).ShouldBeTrue();
        result.Is(CloseCode.NormalClosure).ShouldBeFalse();
        result.IsUnexpected(CloseCode.NormalClosure).ShouldBeTrue();
        result.IsUnexpected(CloseCode.NormalClosure, CloseCode.GoingAway).ShouldBeFalse();
        result.ToString().ShouldBe("closed by the peer with 1001");
    }
}
