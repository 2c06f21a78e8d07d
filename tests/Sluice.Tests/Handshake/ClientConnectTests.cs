using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

/// <summary>The client's side of an extended CONNECT (RFC 8441 §5).</summary>
public sealed class ClientConnectTests
{
    private static readonly ClientHandshake Handshake = new(["chat"]);

    [Fact]
    public void RFC_8441_5_the_request_has_neither_a_key_nor_Upgrade()
    {
        Handshake.GetConnectHeaders().ShouldBe([new("Sec-WebSocket-Version", "13"), new("Sec-WebSocket-Protocol", "chat")]);
        new ClientHandshake().GetConnectHeaders().ShouldBe([new("Sec-WebSocket-Version", "13")]);
    }

    [Theory]
    [InlineData(200, true)]
    [InlineData(299, true)]
    [InlineData(101, false)]
    [InlineData(199, false)]
    [InlineData(300, false)]
    [InlineData(404, false)]
    public void RFC_8441_5_any_2xx_opens_it(int status, bool opens)
    {
        var outcome = Handshake.ValidateConnect(new HandshakeResponse { Status = status, Subprotocol = "chat" });
        outcome.IsAccepted.ShouldBe(opens);
        if (!opens) outcome.Failure!.Reason.ShouldBe(FailureReason.Status);
        else outcome.Subprotocol.ShouldBe("chat");
    }

    [Theory]
    [InlineData("other", null, FailureReason.Subprotocol)]
    [InlineData(null, "x-none", FailureReason.Extensions)]
    [InlineData(null, ";", FailureReason.Extensions)]
    public void RFC_6455_4_1_what_was_not_offered_fails_it_all_the_same(string? subprotocol, string? extensions, FailureReason reason)
    {
        var outcome = Handshake.ValidateConnect(new HandshakeResponse { Status = 200, Subprotocol = subprotocol, Extensions = extensions });
        outcome.Failure!.Reason.ShouldBe(reason);
        outcome.Failure.Status.ShouldBe(200);
    }
}
