using System.Net;
using System.Net.Sockets;
using Sluice.Compression;
using Sluice.Conformance.Cases;
using Sluice.Conformance.Rfc6455;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc7692;

/// <summary>RFC 7692 §5.1 and §7.1: what a client offers, and what it makes of a server's answer.</summary>
public class DeflateAnswerTests
{
    private const string Field = "Sec-WebSocket-Extensions";
    private const string Deflate = "permessage-deflate";
    private static readonly CompressionOptions Default = CompressionOptions.Default;

    [Theory, Openings(nameof(Accepted))]
    public Task Section_7_1_a_valid_answer_holds(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(NotValid))]
    public Task Section_7_1_an_answer_that_is_not_valid_fails_the_handshake(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(NotOffered))]
    public Task Section_5_1_an_answer_to_no_offer_fails_the_handshake(Answer each, Delivery delivery) => each.RunAsync(delivery);

    [Theory]
    [InlineData(true, true, 15, 15, "permessage-deflate; client_max_window_bits, permessage-deflate")]
    [InlineData(false, true, 15, 15, "permessage-deflate; server_no_context_takeover; client_max_window_bits, permessage-deflate; server_no_context_takeover")]
    [InlineData(true, false, 15, 15, "permessage-deflate; client_no_context_takeover; client_max_window_bits, permessage-deflate; client_no_context_takeover")]
    [InlineData(true, true, 10, 9, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9, permessage-deflate")]
    [InlineData(true, true, 8, 8, "permessage-deflate; server_max_window_bits=8; client_max_window_bits=8, permessage-deflate")]
    public async Task Section_7_1_the_offers_say_what_the_client_wants(bool serverContext, bool clientContext, int serverBits, int clientBits, string offers)
    {
        var options = new WebSocketClientOptions
        {
            Compression = new()
            {
                ServerContextTakeover = serverContext,
                ClientContextTakeover = clientContext,
                ServerMaxWindowBits = serverBits,
                ClientMaxWindowBits = clientBits,
            },
        };
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        using var peer = await ClientOpeningTests.AcceptAsync(listener, "/", options, out var connecting);
        Http.Values(await peer.ReadHeadAsync(), Field).ShouldBe([offers]);
        peer.HalfClose();
        await Should.ThrowAsync<HandshakeException>(() => connecting.Guarded());
    }

    internal static IEnumerable<Answer> Accepted()
    {
        yield return Says("", Default, agreed: null);
        foreach (var answer in new[]
        {
            "", "; server_no_context_takeover", "; client_no_context_takeover", "; server_no_context_takeover; client_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8",
        })
        {
            yield return Says(Deflate + answer, Default, Deflate + answer);
        }
        for (var bits = 8; bits <= 15; bits++)
        {
            // §7.1.2.1: the server may limit itself unasked.
            foreach (var side in new[] { "server", "client" })
            {
                yield return Says($"{Deflate}; {side}_max_window_bits={bits}", Default, bits == 15 ? Deflate : $"{Deflate}; {side}_max_window_bits={bits}");
            }
        }
        yield return Says($"{Deflate}; server_max_window_bits=\"10\"", Default, $"{Deflate}; server_max_window_bits=10");
        yield return Says($"{Deflate};client_max_window_bits=\"1\\1\" ", Default, $"{Deflate}; client_max_window_bits=11");
        yield return Says($"{Deflate}; server_max_window_bits=9", Default with { ServerMaxWindowBits = 10 }, $"{Deflate}; server_max_window_bits=9");
        // §7.1.2.2: the offer's value is a hint, which the server may ignore; the client goes by it all the same.
        yield return Says($"{Deflate}; client_max_window_bits=11", Default with { ClientMaxWindowBits = 10 }, $"{Deflate}; client_max_window_bits=10");
        yield return Says(Deflate, Default with { ClientMaxWindowBits = 10 }, $"{Deflate}; client_max_window_bits=10");
        yield return Says(Deflate, Default with { ClientContextTakeover = false }, $"{Deflate}; client_no_context_takeover");
    }

    internal static IEnumerable<Answer> NotValid()
    {
        foreach (var bad in DeflateOfferTests.BadParameters()) yield return Fails($"{Deflate}; {bad}", Default);
        yield return Fails($"{Deflate}; client_max_window_bits", Default); // §7.1.2.2: only an offer may leave the value out
        yield return Fails($"{Deflate}, {Deflate}", Default);
        yield return Fails($"{Deflate}\r\n{Field}: {Deflate}; server_max_window_bits=10", Default);
    }

    internal static IEnumerable<Answer> NotOffered()
    {
        foreach (var other in new[] { "foo", $"{Deflate}, foo", $"foo, {Deflate}", "x-webkit-deflate-frame", "permessage-bzip2", "Permessage-Deflate2" })
        {
            yield return Fails(other, Default);
        }
        yield return Fails(Deflate, null);
        yield return Fails(Deflate, Default with { ServerContextTakeover = false }); // §7.1.1.1: to be confirmed
        yield return Fails($"{Deflate}; client_no_context_takeover", Default with { ServerContextTakeover = false });
    }

    private static Answer Says(string answer, CompressionOptions? compression, string? agreed)
        => new(answer.Length == 0 ? "declines" : answer, request => Http.Response(request, answer.Length == 0 ? [] : [$"{Field}: {answer}"]))
        {
            Options = new() { Compression = compression },
            Agreed = agreed,
        };

    private static Answer Fails(string answer, CompressionOptions? compression) => Says(answer, compression, null).Fails(ConnectFailure.InvalidUpgrade);
}
