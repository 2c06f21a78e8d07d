using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class ServerHandshakeTests
{
    // RFC 6455 §1.2, without the Origin, which is another one than the Host there.
    private static readonly HandshakeRequest Sample = new()
    {
        Method = "GET",
        HttpVersion = "HTTP/1.1",
        Scheme = "http",
        Host = "server.example.com",
        Upgrade = "websocket",
        Connection = "Upgrade",
        Key = "dGhlIHNhbXBsZSBub25jZQ==",
        Version = "13",
        Subprotocols = "chat, superchat",
    };

    [Fact]
    public void Section_1_2_accepts_the_sample()
    {
        var policy = new HandshakePolicy { Subprotocols = ["chat"], Origins = OriginPolicy.Allow(["http://example.com"]) };
        var outcome = ServerHandshake.Evaluate(Sample with { Origin = "http://example.com" }, policy);
        outcome.IsAccepted.ShouldBeTrue();
        outcome.Accept.ShouldBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        outcome.Subprotocol.ShouldBe("chat");
        outcome.Extensions.ShouldBeEmpty();
        outcome.Refusal.ShouldBeNull();
    }

    public static TheoryData<string, HandshakeRequest> Accepted => new()
    {
        { "Firefox's Connection", Sample with { Connection = "keep-alive, Upgrade" } },
        { "any case", Sample with { Upgrade = "WebSocket", Connection = "UPGRADE" } },
        { "one of several protocols", Sample with { Upgrade = "h2c, websocket" } },
        { "empty elements", Sample with { Upgrade = ",websocket,", Connection = ",,upgrade" } },
        { "a caller that checked the version", Sample with { HttpVersion = null } },
        { "HTTP/1.2", Sample with { HttpVersion = "HTTP/1.2" } },
        { "no subprotocols", Sample with { Subprotocols = null } },
        { "same origin", Sample with { Origin = "http://server.example.com" } },
        { "IPv6", Sample with { Host = "[::1]:8080" } },
    };

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Section_4_2_1_accepts(string what, HandshakeRequest request) =>
        ServerHandshake.Evaluate(request, HandshakePolicy.Default).IsAccepted.ShouldBeTrue(what);

    public static TheoryData<RefusalReason, int, string, HandshakeRequest> Refused => new()
    {
        { RefusalReason.Method, 405, "opened with GET (RFC 6455 §4.2.1), not \"POST\"", Sample with { Method = "POST" } },
        { RefusalReason.Method, 405, "not \"get\"", Sample with { Method = "get" } },
        { RefusalReason.Method, 405, "not \"CONNECT\"", Sample with { Method = "CONNECT" } },
        { RefusalReason.Method, 405, "not \"\"", default },
        { RefusalReason.HttpVersion, 400, "this is \"HTTP/1.0\"", Sample with { HttpVersion = "HTTP/1.0" } },
        { RefusalReason.HttpVersion, 400, "this is \"HTTP/0.9\"", Sample with { HttpVersion = "HTTP/0.9" } },
        { RefusalReason.HttpVersion, 400, "this is \"\"", Sample with { HttpVersion = "" } },
        { RefusalReason.HttpVersion, 400, "this is \"HTTP/1.10\"", Sample with { HttpVersion = "HTTP/1.10" } },
        { RefusalReason.HttpVersion, 400, "this is \"1.1\"", Sample with { HttpVersion = "1.1" } },
        { RefusalReason.Upgrade, 426, "it is missing", Sample with { Upgrade = null } },
        { RefusalReason.Upgrade, 426, "it is \"h2c\"", Sample with { Upgrade = "h2c" } },
        { RefusalReason.Upgrade, 426, "it is \"websocket/13\"", Sample with { Upgrade = "websocket/13" } },
        { RefusalReason.Upgrade, 426, "it is \"\\u0022websocket\\u0022\"", Sample with { Upgrade = "\"websocket\"" } },
        { RefusalReason.Upgrade, 426, "\\u017f", Sample with { Upgrade = "web\u017focket" } },
        { RefusalReason.Connection, 400, "it is missing", Sample with { Connection = null } },
        { RefusalReason.Connection, 400, "it is \"keep-alive\"; a proxy", Sample with { Connection = "keep-alive" } },
        { RefusalReason.Version, 426, "it is missing", Sample with { Version = null } },
        { RefusalReason.Version, 426, "it is \"\"", Sample with { Version = "" } },
        { RefusalReason.Version, 426, "it is \"8\"", Sample with { Version = "8" } },
        { RefusalReason.Version, 426, "it is \"013\"", Sample with { Version = "013" } },
        { RefusalReason.Version, 426, "it is \"13, 8\"", Sample with { Version = "13, 8" } },
        { RefusalReason.Key, 400, "it is missing", Sample with { Key = null } },
        { RefusalReason.Key, 400, "it is \"\"", Sample with { Key = "" } },
        { RefusalReason.Key, 400, "must be 16 bytes in base64 (RFC 6455 §4.2.1); it has 10", Sample with { Key = Convert.ToBase64String(new byte[10]) } },
        { RefusalReason.Key, 400, "it has 17", Sample with { Key = Convert.ToBase64String(new byte[17]) } },
        { RefusalReason.Key, 400, "it has 1048576 characters, not 24", Sample with { Key = new string('A', 1 << 20) } },
        { RefusalReason.Key, 400, "\"!\\u0000\" is not base64", Sample with { Key = "!\0" } },
        { RefusalReason.Key, 400, "is not base64", Sample with { Key = "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==" } },
        { RefusalReason.Key, 400, "is not base64", Sample with { Key = "dGhlIHNhbXBsZSBub25jZQ== " } },
        { RefusalReason.Host, 400, "it is missing", Sample with { Host = null } },
        { RefusalReason.Host, 400, "it is \"\"", Sample with { Host = "" } },
        { RefusalReason.Host, 400, "it is \"a, b\"", Sample with { Host = "a, b" } },
        { RefusalReason.Host, 400, "it is \"a@b\"", Sample with { Host = "a@b" } },
        { RefusalReason.Host, 400, "it is \"a:99999\"", Sample with { Host = "a:99999" } },
        { RefusalReason.Host, 400, "...\"", Sample with { Host = new string('a', 1 << 20) } },
        { RefusalReason.Subprotocols, 400, "\"chat\" stands there twice", Sample with { Subprotocols = "chat, chat" } },
        { RefusalReason.Subprotocols, 400, "names none", Sample with { Subprotocols = "" } },
        { RefusalReason.Extensions, 400, "at character 3", Sample with { Extensions = "a;" } },
        { RefusalReason.Extensions, 400, "no extension", Sample with { Extensions = "" } },
        { RefusalReason.Origin, 403, "origin \"http://evil.test\" may not connect to \"server.example.com\"", Sample with { Origin = "http://evil.test" } },
        { RefusalReason.Origin, 403, "origin \"null\"", Sample with { Origin = "null" } },
        { RefusalReason.Origin, 403, "origin \"\"", Sample with { Origin = "" } },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Section_4_2_1_refuses(RefusalReason reason, int status, string says, HandshakeRequest request)
    {
        var outcome = ServerHandshake.Evaluate(request, HandshakePolicy.Default);
        outcome.IsAccepted.ShouldBeFalse();
        outcome.Accept.ShouldBeNull();
        outcome.Extensions.ShouldBeEmpty();
        var refusal = outcome.Refusal.ShouldNotBeNull();
        refusal.Reason.ShouldBe(reason);
        refusal.Status.ShouldBe(status);
        refusal.Message.ShouldContain(says);
    }

    [Theory]
    [InlineData(RefusalReason.Method, "Allow: GET")]
    [InlineData(RefusalReason.Upgrade, "Upgrade: websocket, Connection: Upgrade")]
    [InlineData(RefusalReason.Version, "Upgrade: websocket, Connection: Upgrade, Sec-WebSocket-Version: 13")] // §4.2.2, §4.4
    [InlineData(RefusalReason.Connection, "")]
    [InlineData(RefusalReason.Key, "")]
    [InlineData(RefusalReason.Origin, "")]
    public void A_refusal_brings_the_headers_that_belong_to_its_status(RefusalReason reason, string headers)
    {
        var request = reason switch
        {
            RefusalReason.Method => Sample with { Method = "PUT" },
            RefusalReason.Upgrade => Sample with { Upgrade = null },
            RefusalReason.Version => Sample with { Version = "8" },
            RefusalReason.Connection => Sample with { Connection = null },
            RefusalReason.Key => Sample with { Key = null },
            _ => Sample with { Origin = "null" },
        };
        var refusal = ServerHandshake.Evaluate(request, HandshakePolicy.Default).Refusal.ShouldNotBeNull();
        refusal.Reason.ShouldBe(reason);
        string.Join(", ", refusal.Headers.Select(header => $"{header.Key}: {header.Value}")).ShouldBe(headers);
    }

    [Fact]
    public void The_first_broken_rule_decides()
    {
        RefusalReason[] order =
        [
            RefusalReason.Method, RefusalReason.HttpVersion, RefusalReason.Upgrade, RefusalReason.Connection, RefusalReason.Version,
            RefusalReason.Key, RefusalReason.Host, RefusalReason.Subprotocols, RefusalReason.Extensions, RefusalReason.Origin,
        ];
        var request = new HandshakeRequest { Method = "PUT", HttpVersion = "HTTP/1.0", Subprotocols = "", Extensions = "", Origin = "" };
        foreach (var reason in order)
        {
            ServerHandshake.Evaluate(request, HandshakePolicy.Default).Refusal.ShouldNotBeNull().Reason.ShouldBe(reason);
            request = reason switch // mend one thing at a time
            {
                RefusalReason.Method => request with { Method = "GET" },
                RefusalReason.HttpVersion => request with { HttpVersion = "HTTP/1.1" },
                RefusalReason.Upgrade => request with { Upgrade = "websocket" },
                RefusalReason.Connection => request with { Connection = "upgrade" },
                RefusalReason.Version => request with { Version = "13" },
                RefusalReason.Key => request with { Key = HandshakeKey.Create() },
                RefusalReason.Host => request with { Host = "server.example.com" },
                RefusalReason.Subprotocols => request with { Subprotocols = "chat" },
                RefusalReason.Extensions => request with { Extensions = "foo" },
                _ => request with { Origin = null },
            };
        }

        ServerHandshake.Evaluate(request, HandshakePolicy.Default).IsAccepted.ShouldBeTrue();
    }

    [Fact]
    public void Section_4_2_2_goes_on_without_a_subprotocol_when_none_is_common()
    {
        var outcome = ServerHandshake.Evaluate(Sample, new HandshakePolicy { Subprotocols = ["mqtt"] });
        outcome.IsAccepted.ShouldBeTrue();
        outcome.Subprotocol.ShouldBeNull();
    }

    [Fact]
    public void Section_9_1_hands_on_the_offers_in_order()
    {
        var request = Sample with { Extensions = "permessage-deflate; server_max_window_bits=10, permessage-deflate" };
        var outcome = ServerHandshake.Evaluate(request, HandshakePolicy.Default);
        outcome.Extensions.Select(offer => offer.ToString())
            .ShouldBe(["permessage-deflate; server_max_window_bits=10", "permessage-deflate"]);
    }

    [Fact]
    public void A_policy_of_the_callers_own_is_asked_last_and_may_refuse_a_request_without_Origin()
    {
        var asked = 0;
        var policy = new HandshakePolicy { Origins = OriginPolicy.Custom(_ => ++asked < 0) };
        ServerHandshake.Evaluate(Sample with { Extensions = "" }, policy).Refusal.ShouldNotBeNull().Reason.ShouldBe(RefusalReason.Extensions);
        asked.ShouldBe(0);
        var refusal = ServerHandshake.Evaluate(Sample, policy).Refusal.ShouldNotBeNull();
        (refusal.Status, refusal.Reason, asked).ShouldBe((403, RefusalReason.Origin, 1));
        refusal.Message.ShouldContain("without Origin");
    }
}
