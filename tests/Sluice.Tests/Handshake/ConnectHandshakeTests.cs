using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class ConnectHandshakeTests
{
    // RFC 8441 §5.1
    private static readonly HandshakeRequest Sample = new()
    {
        Method = "CONNECT",
        HttpVersion = "HTTP/2",
        Scheme = "https",
        Protocol = "websocket",
        Host = "server.example.com",
        Version = "13",
        Subprotocols = "chat, superchat",
        Extensions = "permessage-deflate",
        Origin = "http://www.example.com",
    };

    private static readonly HandshakePolicy Policy = new() { Subprotocols = ["chat"], Origins = OriginPolicy.Allow(["http://www.example.com"]) };

    [Fact]
    public void Section_5_1_accepts_the_sample()
    {
        var outcome = ConnectHandshake.Evaluate(Sample, Policy);
        outcome.IsAccepted.ShouldBeTrue();
        outcome.Accept.ShouldBeNull();
        outcome.Subprotocol.ShouldBe("chat");
        outcome.Extensions.ShouldHaveSingleItem().Name.ShouldBe("permessage-deflate");
        outcome.Refusal.ShouldBeNull();
    }

    [Fact]
    public void Section_5_a_key_is_not_looked_at()
        => ConnectHandshake.Evaluate(Sample with { Key = "?" }, Policy).IsAccepted.ShouldBeTrue();

    public static TheoryData<RefusalReason, int, string, HandshakeRequest> Refused => new()
    {
        { RefusalReason.Method, 405, "opened with CONNECT (RFC 8441 §5), not \"GET\"", Sample with { Method = "GET" } },
        { RefusalReason.Upgrade, 400, ":protocol must be \"websocket\" (RFC 8441 §5); it is missing", Sample with { Protocol = null } },
        { RefusalReason.Upgrade, 501, "it is \"WebSocket\"", Sample with { Protocol = "WebSocket" } },
        { RefusalReason.Upgrade, 400, "no Upgrade", Sample with { Upgrade = "websocket" } },
        { RefusalReason.Connection, 400, "no Connection", Sample with { Connection = "Upgrade" } },
        { RefusalReason.Version, 400, "it is \"8\"", Sample with { Version = "8" } },
        { RefusalReason.Version, 400, "it is missing", Sample with { Version = null } },
        { RefusalReason.Host, 400, "Host must hold", Sample with { Host = "" } },
        { RefusalReason.Subprotocols, 400, "Sec-WebSocket-Protocol", Sample with { Subprotocols = "a b" } },
        { RefusalReason.Extensions, 400, "Sec-WebSocket-Extensions", Sample with { Extensions = ";" } },
        { RefusalReason.Origin, 403, "may not connect", Sample with { Origin = "http://evil.example" } },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Section_5_refuses(RefusalReason reason, int status, string message, HandshakeRequest request)
    {
        var refusal = ConnectHandshake.Evaluate(request, Policy).Refusal.ShouldNotBeNull();
        refusal.Reason.ShouldBe(reason);
        refusal.Status.ShouldBe(status);
        refusal.Message.ShouldContain(message);
        // RFC 9113 §8.2.2: fields of the connection are not to be used over HTTP/2.
        refusal.Headers.ShouldNotContain(header => header.Key == "Upgrade" || header.Key == "Connection");
    }

    [Fact]
    public void A_refusal_of_one_s_own_has_a_status_that_refuses()
    {
        new HandshakeRefusal(429, RefusalReason.Capacity, "slow down").Status.ShouldBe(429);
        Should.Throw<ArgumentOutOfRangeException>(() => new HandshakeRefusal(200, RefusalReason.Capacity, "come in"));
    }
}
