namespace Sluice.Proxy.Tests;

public class HopByHopTest
{
    [Theory]
    [InlineData("Connection")]
    [InlineData("connection")]
    [InlineData("Proxy-Connection")]
    [InlineData("Keep-Alive")]
    [InlineData("TE")]
    [InlineData("Trailer")]
    [InlineData("Transfer-Encoding")]
    [InlineData("Upgrade")]
    [InlineData("Proxy-Authenticate")]
    [InlineData("Proxy-Authorization")]
    [InlineData("HTTP2-Settings")]
    public void Known_fields_stay_RFC9110_7_6_1(string name) => new HopByHop(default).Contains(name).ShouldBeTrue();

    [Theory]
    [InlineData("Host")]
    [InlineData("Content-Type")]
    [InlineData("Sec-WebSocket-Key")]
    [InlineData("X-A")]
    public void Others_go_on(string name) => new HopByHop("close, keep-alive, Upgrade").Contains(name).ShouldBeFalse();

    [Theory]
    [InlineData("X-A")]
    [InlineData("x-a , X-B")]
    [InlineData(",, X-B,\tX-A\t,")]
    [InlineData("close, X-a")]
    public void Named_fields_stay(string connection) => new HopByHop(connection).Contains("X-A").ShouldBeTrue();

    [Fact]
    public void Fields_named_on_any_line_stay()
    {
        var hopByHop = new HopByHop(new(["X-A", "X-B, X-C"]));
        hopByHop.Contains("x-c").ShouldBeTrue();
        hopByHop.Contains("X-A, X-B").ShouldBeFalse();
    }

    [Theory]
    [InlineData("websocket", true)]
    [InlineData("WebSocket", true)]
    [InlineData("h2c, websocket", true)]
    [InlineData("websocket/13", false)]
    [InlineData("websockets", false)]
    [InlineData("\"websocket\"", false)]
    [InlineData("", false)]
    public void Tokens_are_compared_whole_and_without_case(string value, bool contained) =>
        HeaderTokens.Contains(value, "websocket").ShouldBe(contained);

    [Fact]
    public void The_only_token_stands_alone()
    {
        HeaderTokens.IsOnly(" Chunked\t", "chunked").ShouldBeTrue();
        HeaderTokens.IsOnly("gzip, chunked", "chunked").ShouldBeFalse();
        HeaderTokens.IsOnly(new(["chunked", "chunked"]), "chunked").ShouldBeFalse();
        HeaderTokens.IsOnly(default, "chunked").ShouldBeFalse();
    }
}
