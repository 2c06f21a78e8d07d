using Sluice.Compression;
using Sluice.Handshake;

namespace Sluice.Tests.Compression;

/// <summary>Negotiation as RFC 7692 §7.1 has it, in tables.</summary>
public class DeflateAgreementTests
{
    private static readonly CompressionOptions Default = new();

    [Theory]
    // §7.1: no parameter, and each alone
    [InlineData("permessage-deflate", "permessage-deflate")]
    [InlineData("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover")]
    [InlineData("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover")]
    [InlineData("permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=8")]
    [InlineData("permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10")]
    [InlineData("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15")]
    [InlineData("permessage-deflate; server_max_window_bits=\"10\"", "permessage-deflate; server_max_window_bits=10")]
    [InlineData("permessage-deflate; client_max_window_bits", "permessage-deflate")]
    [InlineData("permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8")]
    [InlineData("permessage-deflate; client_max_window_bits=15", "permessage-deflate")]
    [InlineData(
        "permessage-deflate; client_max_window_bits=9; server_max_window_bits=11; client_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; client_max_window_bits=9")]
    // §5: several offers in order of preference; others' extensions are none of ours
    [InlineData("permessage-deflate; server_max_window_bits=10, permessage-deflate", "permessage-deflate; server_max_window_bits=10")]
    [InlineData("x-webkit-deflate-frame, permessage-deflate", "permessage-deflate")]
    [InlineData("permessage-bzip2, x; y=1", null)]
    // §7.1: what is not valid is declined, and the next one taken
    [InlineData("permessage-deflate; server_no_context_takeover=1", null)]
    [InlineData("permessage-deflate; client_no_context_takeover=true", null)]
    [InlineData("permessage-deflate; server_max_window_bits", null)]
    [InlineData("permessage-deflate; server_max_window_bits=7", null)]
    [InlineData("permessage-deflate; server_max_window_bits=16", null)]
    [InlineData("permessage-deflate; server_max_window_bits=08", null)]
    [InlineData("permessage-deflate; server_max_window_bits=010", null)]
    [InlineData("permessage-deflate; server_max_window_bits=1", null)]
    [InlineData("permessage-deflate; server_max_window_bits=10a", null)]
    [InlineData("permessage-deflate; server_max_window_bits=+9", null)]
    [InlineData("permessage-deflate; client_max_window_bits=0", null)]
    [InlineData("permessage-deflate; client_max_window_bits=7", null)]
    [InlineData("permessage-deflate; client_max_window_bits=99999999999999999999", null)]
    [InlineData("permessage-deflate; unknown", null)]
    [InlineData("permessage-deflate; Server_No_Context_Takeover", null)]
    [InlineData("permessage-deflate; server_no_context_takeover; server_no_context_takeover", null)]
    [InlineData("permessage-deflate; client_max_window_bits; client_max_window_bits=10", null)]
    [InlineData("permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", null)]
    [InlineData("permessage-deflate; unknown, permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover")]
    [InlineData("Permessage-Deflate", null)]
    public void A_server_answers(string offers, string? expected)
    {
        DeflateAgreement.Negotiate(Parse(offers), Default, out var response)?.Options.ShouldBe(Default);
        response?.ToString().ShouldBe(expected);
        if (expected is null) response.ShouldBeNull();
    }

    [Theory]
    [InlineData("permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10", 15)]
    [InlineData(
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11", 11)]
    [InlineData(
        "permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=9", 9)]
    [InlineData(
        "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11", 11)]
    public void A_server_with_wishes_answers(string offers, string expected, int clientBits)
    {
        var wishes = new CompressionOptions
        {
            ServerContextTakeover = false,
            ClientContextTakeover = false,
            ServerMaxWindowBits = 10,
            ClientMaxWindowBits = 11,
        };
        var agreement = DeflateAgreement.Negotiate(Parse(offers), wishes, out var response).ShouldNotBeNull();
        response!.ToString().ShouldBe(expected);
        agreement.ToString().ShouldBe(expected);
        agreement.ClientMaxWindowBits.ShouldBe(clientBits);
        agreement.ServerMaxWindowBits.ShouldBeLessThanOrEqualTo(10);
    }

    [Fact]
    public void Without_options_every_offer_is_declined_and_none_is_made()
    {
        DeflateAgreement.Negotiate(Parse("permessage-deflate"), null, out var response).ShouldBeNull();
        response.ShouldBeNull();
        DeflateAgreement.CreateOffers(null).ShouldBeEmpty();
    }

    [Fact]
    public void A_client_offers_what_it_wants_and_the_same_without_windows()
    {
        ExtensionOffer.ToHeader(DeflateAgreement.CreateOffers(Default))
            .ShouldBe("permessage-deflate; client_max_window_bits, permessage-deflate");
        ExtensionOffer.ToHeader(DeflateAgreement.CreateOffers(new() { ServerMaxWindowBits = 9, ClientMaxWindowBits = 8, ServerContextTakeover = false }))
            .ShouldBe("permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8, "
                + "permessage-deflate; server_no_context_takeover");
    }

    [Theory]
    [InlineData("permessage-deflate", true, false, false, 15, 15)]
    [InlineData("permessage-deflate; server_no_context_takeover", true, true, false, 15, 15)]
    [InlineData("permessage-deflate; client_no_context_takeover", true, false, true, 15, 15)]
    [InlineData("permessage-deflate; server_max_window_bits=8", true, false, false, 8, 15)]
    [InlineData("permessage-deflate; client_max_window_bits=8", true, false, false, 15, 8)]
    [InlineData("permessage-deflate; client_max_window_bits=15; server_max_window_bits=15", true, false, false, 15, 15)]
    // §7.1: a value where none belongs, none where one does, unknown, twice
    [InlineData("permessage-deflate; client_max_window_bits", false, false, false, 0, 0)]
    [InlineData("permessage-deflate; server_max_window_bits", false, false, false, 0, 0)]
    [InlineData("permessage-deflate; server_max_window_bits=16", false, false, false, 0, 0)]
    [InlineData("permessage-deflate; client_max_window_bits=7", false, false, false, 0, 0)]
    [InlineData("permessage-deflate; server_no_context_takeover=on", false, false, false, 0, 0)]
    [InlineData("permessage-deflate; level=9", false, false, false, 0, 0)]
    [InlineData("permessage-deflate; client_no_context_takeover; client_no_context_takeover", false, false, false, 0, 0)]
    [InlineData("permessage-deflate, permessage-deflate", false, false, false, 0, 0)]
    public void A_client_takes(string response, bool valid, bool serverNo, bool clientNo, int serverBits, int clientBits)
    {
        DeflateAgreement.TryAccept(Parse(response), Default, out var agreement, out var error).ShouldBe(valid, error);
        if (!valid)
        {
            agreement.ShouldBeNull();
            error.ShouldNotBeNullOrEmpty();
            return;
        }
        agreement.ShouldBe(new DeflateAgreement
        {
            ServerNoContextTakeover = serverNo,
            ClientNoContextTakeover = clientNo,
            ServerMaxWindowBits = serverBits,
            ClientMaxWindowBits = clientBits,
            Options = Default,
        });
    }

    [Theory]
    // The offers: "…; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=12" and
    // "…; server_no_context_takeover".
    [InlineData("permessage-deflate; server_no_context_takeover; server_max_window_bits=10", true)]
    [InlineData("permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12", true)]
    [InlineData("permessage-deflate; server_no_context_takeover", true)]
    [InlineData("permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12", true)]
    [InlineData("permessage-deflate", false)] // §7.1.1.1: not confirmed
    [InlineData("permessage-deflate; server_max_window_bits=10", false)]
    [InlineData("permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=13", true)] // §7.1.2.2: the offer's value is a hint
    [InlineData("permessage-deflate; server_no_context_takeover; client_max_window_bits=10", false)] // an answer to neither
    [InlineData("permessage-deflate; server_no_context_takeover; server_max_window_bits=11; client_max_window_bits=10", false)]
    public void A_client_with_wishes_takes(string response, bool valid)
    {
        var wishes = new CompressionOptions { ServerContextTakeover = false, ServerMaxWindowBits = 10, ClientMaxWindowBits = 12 };
        DeflateAgreement.TryAccept(Parse(response), wishes, out var agreement, out var error).ShouldBe(valid, error);
        if (valid) agreement!.ClientMaxWindowBits.ShouldBeLessThanOrEqualTo(12);
    }

    [Fact]
    public void A_declined_offer_is_no_error()
    {
        DeflateAgreement.TryAccept([], Default, out var agreement, out _).ShouldBeTrue();
        agreement.ShouldBeNull();
    }

    [Fact]
    public void An_answer_to_no_offer_fails()
        => DeflateAgreement.TryAccept(Parse("permessage-deflate"), null, out _, out _).ShouldBeFalse();

    [Fact]
    public void Whatever_a_server_answers_its_client_takes()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var (client, server) = (Wishes(random), Wishes(random));
            var offers = Parse(ExtensionOffer.ToHeader(DeflateAgreement.CreateOffers(client))!);
            var agreed = DeflateAgreement.Negotiate(offers, server, out var response).ShouldNotBeNull();
            DeflateAgreement.TryAccept(Parse(response!.ToString()), client, out var taken, out var error).ShouldBeTrue(error);
            // Each side may compress with less than what was agreed, never with more.
            taken.ShouldNotBeNull();
            taken.ServerNoContextTakeover.ShouldBe(agreed.ServerNoContextTakeover);
            taken.ServerMaxWindowBits.ShouldBe(agreed.ServerMaxWindowBits);
            taken.ClientMaxWindowBits.ShouldBeLessThanOrEqualTo(agreed.ClientMaxWindowBits);
            if (agreed.ClientNoContextTakeover) taken.ClientNoContextTakeover.ShouldBeTrue();
        }

        static CompressionOptions Wishes(Random random) => new()
        {
            ServerContextTakeover = random.Next(2) == 0,
            ClientContextTakeover = random.Next(2) == 0,
            ServerMaxWindowBits = random.Next(8, 16),
            ClientMaxWindowBits = random.Next(8, 16),
        };
    }

    private static IReadOnlyList<ExtensionOffer> Parse(string header)
    {
        ExtensionOffer.TryParse(header, out var offers, out var error).ShouldBeTrue(error);
        return offers;
    }
}
