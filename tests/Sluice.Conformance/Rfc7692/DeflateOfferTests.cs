using Sluice.Conformance.Cases;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc7692;

/// <summary>RFC 7692 §5.1 and §7.1: what a server makes of a client's offers.</summary>
public class DeflateOfferTests
{
    private const string Field = "Sec-WebSocket-Extensions";
    private const string Deflate = "permessage-deflate";

    [Theory, Openings(nameof(Accepted))]
    public Task Section_7_1_a_valid_offer_is_accepted_with_what_it_asks_for(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(Declined))]
    public Task Section_7_1_an_offer_that_is_not_valid_is_declined(Opening each, Delivery delivery) => each.RunAsync(delivery);

    [Theory, Openings(nameof(InOrder))]
    public Task Section_5_1_the_first_offer_that_can_be_met_is_taken(Opening each, Delivery delivery) => each.RunAsync(delivery);

    internal static IEnumerable<Opening> Accepted()
    {
        foreach (var same in new[]
        {
            "", "; server_no_context_takeover", "; client_no_context_takeover", "; server_no_context_takeover; client_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8",
        })
        {
            yield return Offer(Deflate + same, Deflate + same);
        }
        // §7.1.2: the same value comes back; where it is the greatest for the client, it need not.
        for (var bits = 8; bits <= 15; bits++)
        {
            yield return Offer($"{Deflate}; server_max_window_bits={bits}", $"{Deflate}; server_max_window_bits={bits}");
            yield return Offer($"{Deflate}; client_max_window_bits={bits}", bits == 15 ? Deflate : $"{Deflate}; client_max_window_bits={bits}");
        }
        yield return Offer($"{Deflate}; client_max_window_bits", Deflate);
        yield return Offer($"{Deflate}; client_max_window_bits; server_max_window_bits=12", $"{Deflate}; server_max_window_bits=12");
        yield return Offer($"{Deflate}; server_max_window_bits=\"10\"", $"{Deflate}; server_max_window_bits=10");
        yield return Offer($"{Deflate}; client_max_window_bits=\"1\\1\"", $"{Deflate}; client_max_window_bits=11");
        yield return Offer($"{Deflate};server_max_window_bits=10;client_no_context_takeover", $"{Deflate}; client_no_context_takeover; server_max_window_bits=10");
        yield return Offer($"{Deflate} ;\tserver_max_window_bits = 10 ", $"{Deflate}; server_max_window_bits=10");
    }

    internal static IEnumerable<Opening> Declined()
    {
        foreach (var bad in BadParameters()) yield return Offer($"{Deflate}; {bad}", null);
        foreach (var other in new[] { "permessage-bzip2", "permessage-deflate2", "x-webkit-deflate-frame", "deflate", "foo; client_max_window_bits" })
        {
            yield return Offer(other, null);
        }
        yield return Offer($"{Deflate}; foo, {Deflate}; server_max_window_bits=7, {Deflate}; client_max_window_bits=16", null);
    }

    internal static IEnumerable<Opening> InOrder()
    {
        foreach (var bad in BadParameters()) yield return Offer($"{Deflate}; {bad}, {Deflate}", Deflate);
        yield return Offer($"{Deflate}; server_max_window_bits=10, {Deflate}", $"{Deflate}; server_max_window_bits=10");
        yield return Offer($"{Deflate}, {Deflate}; server_max_window_bits=10", Deflate);
        yield return Offer($"foo; x=1, {Deflate}; client_no_context_takeover, bar", $"{Deflate}; client_no_context_takeover");
        yield return Offer($"foo\r\n{Field}: {Deflate}; server_no_context_takeover\r\n{Field}: {Deflate}", $"{Deflate}; server_no_context_takeover");
        yield return Offer($"{Deflate}; foo\r\n{Field}: {Deflate}; client_max_window_bits=9", $"{Deflate}; client_max_window_bits=9");
    }

    /// <summary>What no offer may say.</summary>
    internal static IEnumerable<string> BadParameters()
    {
        foreach (var side in new[] { "server", "client" })
        {
            yield return $"{side}_no_context_takeover=true";
            yield return $"{side}_no_context_takeover=\"1\"";
            yield return $"{side}_no_context_takeover; {side}_no_context_takeover";
            yield return $"{side}_max_window_bits=10; {side}_max_window_bits=10";
            yield return $"{side}_max_window_bits=10; {side}_max_window_bits=11";
            foreach (var bits in new[] { "0", "7", "16", "32", "-8", "+9", "08", "09", "010", "8.0", "0xa", "1e1", "ten", "100", "4294967304" })
            {
                yield return $"{side}_max_window_bits={bits}";
            }
        }
        yield return "server_max_window_bits";
        yield return "client_max_window_bits; client_max_window_bits=10";
        yield return "foo";
        yield return "foo=1";
        yield return "max_window_bits=10";
        yield return "server_no_context_takeover; foo; client_no_context_takeover";
    }

    private static Opening Offer(string offers, string? answer)
    {
        var opening = new Opening(offers, Http.Request("/deflate/echo", $"{Field}: {offers}"));
        return answer is null ? opening.Opens().Without(Field) : opening.Opens($"{Field}: {answer}");
    }
}
