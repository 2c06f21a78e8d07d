using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class ClientHandshakeTests
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    private static readonly ClientHandshake Client = new(
        ["chat", "superchat"],
        [new("permessage-deflate", new ExtensionParameter("client_max_window_bits")), new("foo")],
        Key);

    // RFC 6455 §1.2
    private static readonly HandshakeResponse Sample = new()
    {
        Status = 101,
        Upgrade = "websocket",
        Connection = "Upgrade",
        Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        Subprotocol = "chat",
    };

    [Fact]
    public void Section_4_1_writes_the_headers_of_the_request()
    {
        Client.Key.ShouldBe(Key);
        Client.GetHeaders().Select(header => $"{header.Key}: {header.Value}").ShouldBe(
        [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            $"Sec-WebSocket-Key: {Key}",
            "Sec-WebSocket-Protocol: chat, superchat",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, foo",
        ]);
    }

    [Fact]
    public void Without_offers_there_are_no_headers_for_them_and_every_key_is_new()
    {
        var client = new ClientHandshake();
        client.SubprotocolsHeader.ShouldBeNull();
        client.ExtensionsHeader.ShouldBeNull();
        client.GetHeaders().Count.ShouldBe(4);
        HandshakeKey.IsValid(client.Key).ShouldBeTrue();
        new ClientHandshake().Key.ShouldNotBe(client.Key);
    }

    [Fact]
    public void Refuses_offers_that_no_server_could_read()
    {
        Should.Throw<ArgumentException>(() => new ClientHandshake(["chat room"])).Message.ShouldContain("is not a token");
        Should.Throw<ArgumentException>(() => new ClientHandshake(["chat", "chat"])).Message.ShouldContain("is listed twice");
        Should.Throw<ArgumentException>(() => new ClientHandshake(key: "short")).ParamName.ShouldBe("key");
    }

    public static TheoryData<string, HandshakeResponse> Accepted => new()
    {
        { "the sample", Sample },
        { "any case", Sample with { Upgrade = "WebSocket", Connection = "upgrade" } },
        { "another option beside", Sample with { Connection = "keep-alive, Upgrade" } },
        { "white space around", Sample with { Accept = " s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t", Upgrade = " websocket ", Subprotocol = " chat " } },
    };

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Section_4_1_accepts(string what, HandshakeResponse response)
    {
        var outcome = Client.Validate(response);
        outcome.IsAccepted.ShouldBeTrue(what);
        outcome.Failure.ShouldBeNull();
        outcome.Subprotocol.ShouldBe("chat");
        outcome.Extensions.ShouldBeEmpty();
    }

    [Fact]
    public void Section_4_1_goes_on_without_a_subprotocol_when_the_server_chose_none()
    {
        var outcome = Client.Validate(Sample with { Subprotocol = null });
        outcome.IsAccepted.ShouldBeTrue();
        outcome.Subprotocol.ShouldBeNull();
    }

    [Fact]
    public void Section_9_1_takes_what_the_server_agreed_to()
    {
        var outcome = Client.Validate(Sample with { Extensions = "foo, permessage-deflate; server_no_context_takeover" });
        outcome.IsAccepted.ShouldBeTrue();
        outcome.Extensions.Select(extension => extension.ToString())
            .ShouldBe(["foo", "permessage-deflate; server_no_context_takeover"]);
    }

    public static TheoryData<FailureReason, string, HandshakeResponse> Failed => new()
    {
        { FailureReason.Status, "answered 200, not 101", Sample with { Status = 200 } },
        { FailureReason.Status, "answered 100, not 101", Sample with { Status = 100 } },
        { FailureReason.Status, "points to another address", Sample with { Status = 302 } },
        { FailureReason.Status, "wants credentials", Sample with { Status = 401 } },
        { FailureReason.Status, "the body may say why", Sample with { Status = 503 } },
        { FailureReason.Status, "answered 0", default },
        { FailureReason.Upgrade, "it is missing", Sample with { Upgrade = null } },
        { FailureReason.Upgrade, "it is \"h2c\"", Sample with { Upgrade = "h2c" } },
        { FailureReason.Upgrade, "it is \"websocket, h2c\"", Sample with { Upgrade = "websocket, h2c" } }, // exactly websocket
        { FailureReason.Upgrade, "\\u017f", Sample with { Upgrade = "web\u017focket" } },
        { FailureReason.Connection, "it is missing", Sample with { Connection = null } },
        { FailureReason.Connection, "it is \"close\"", Sample with { Connection = "close" } },
        { FailureReason.Accept, "it is missing", Sample with { Accept = null } },
        { FailureReason.Accept, "must be \"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\"", Sample with { Accept = "HSmrc0sMlYUkAGmm5OPpG2HaGWk=" } },
        { FailureReason.Accept, "it is", Sample with { Accept = "S3PPLMBITXAQ9KYGZZHZRBK+XOO=" } }, // case matters
        { FailureReason.Accept, "it is", Sample with { Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\0" } },
        { FailureReason.Accept, "it is", Sample with { Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" } },
        { FailureReason.Extensions, "the extension \"mux\", which was not offered", Sample with { Extensions = "foo, mux" } },
        { FailureReason.Extensions, "\"Foo\", which was not offered", Sample with { Extensions = "Foo" } },
        { FailureReason.Extensions, "a quoted value that does not end", Sample with { Extensions = "foo; a=\"" } },
        { FailureReason.Extensions, "no extension", Sample with { Extensions = "" } },
        { FailureReason.Subprotocol, "\"mqtt\", which was not offered", Sample with { Subprotocol = "mqtt" } },
        { FailureReason.Subprotocol, "\"Chat\", which was not offered", Sample with { Subprotocol = "Chat" } },
        { FailureReason.Subprotocol, "\"\", which was not offered", Sample with { Subprotocol = "" } },
        { FailureReason.Subprotocol, "must name the one subprotocol", Sample with { Subprotocol = "chat, superchat" } },
        { FailureReason.Subprotocol, "must name the one subprotocol", Sample with { Subprotocol = "chat, chat" } },
    };

    [Theory]
    [MemberData(nameof(Failed))]
    public void Section_4_1_fails_the_connection(FailureReason reason, string says, HandshakeResponse response)
    {
        var outcome = Client.Validate(response);
        outcome.IsAccepted.ShouldBeFalse();
        outcome.Subprotocol.ShouldBeNull();
        outcome.Extensions.ShouldBeEmpty();
        var failure = outcome.Failure.ShouldNotBeNull();
        failure.Reason.ShouldBe(reason);
        failure.Status.ShouldBe(response.Status);
        failure.Message.ShouldContain(says);
    }

    [Fact]
    public void Section_4_1_takes_nothing_that_was_not_offered()
    {
        var bare = new ClientHandshake(key: Key);
        bare.Validate(Sample).Failure.ShouldNotBeNull().Reason.ShouldBe(FailureReason.Subprotocol);
        bare.Validate(Sample with { Subprotocol = null, Extensions = "permessage-deflate" })
            .Failure.ShouldNotBeNull().Reason.ShouldBe(FailureReason.Extensions);
        bare.Validate(Sample with { Subprotocol = null }).IsAccepted.ShouldBeTrue();
    }

    [Theory]
    [InlineData("a,b,c", "c,a", "a; x=1, b")]
    [InlineData("a", "a", "")]
    [InlineData("", "a", "b; y")]
    public void A_client_and_a_server_of_ours_agree(string offered, string spoken, string extensions)
    {
        const StringSplitOptions Options = StringSplitOptions.RemoveEmptyEntries;
        ExtensionOffer.TryParse(extensions.Length == 0 ? null : extensions, out var offers, out _).ShouldBeTrue();
        var client = new ClientHandshake(offered.Split(',', Options), offers);
        var headers = client.GetHeaders().ToDictionary(header => header.Key, header => header.Value);
        var request = new HandshakeRequest
        {
            Method = "GET",
            Host = "localhost",
            Upgrade = headers["Upgrade"],
            Connection = headers["Connection"],
            Key = headers["Sec-WebSocket-Key"],
            Version = headers["Sec-WebSocket-Version"],
            Subprotocols = headers.GetValueOrDefault("Sec-WebSocket-Protocol"),
            Extensions = headers.GetValueOrDefault("Sec-WebSocket-Extensions"),
        };
        var server = ServerHandshake.Evaluate(request, new HandshakePolicy { Subprotocols = spoken.Split(',', Options) });
        server.IsAccepted.ShouldBeTrue();
        var outcome = client.Validate(new HandshakeResponse
        {
            Status = 101,
            Upgrade = "websocket",
            Connection = "Upgrade",
            Accept = server.Accept,
            Subprotocol = server.Subprotocol,
            Extensions = ExtensionOffer.ToHeader(server.Extensions),
        });
        outcome.IsAccepted.ShouldBeTrue();
        outcome.Subprotocol.ShouldBe(server.Subprotocol);
        outcome.Extensions.Count.ShouldBe(offers.Count);
    }
}
