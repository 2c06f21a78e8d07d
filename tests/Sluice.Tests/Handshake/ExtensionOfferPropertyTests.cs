using System.Text;
using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class ExtensionOfferPropertyTests
{
    [Fact]
    public void What_is_written_in_any_legal_way_is_read_as_it_was_meant()
    {
        var random = new Random(91);
        for (var i = 0; i < 5000; i++)
        {
            var offers = RandomOffers(random);
            var header = WriteLoosely(random, offers);
            ExtensionOffer.TryParse(header, out var read, out var error).ShouldBeTrue($"{error}: {header}");
            ShouldBeSame(read, offers);
        }
    }

    [Fact]
    public void Random_headers_never_throw_and_what_is_read_reads_back_the_same()
    {
        var random = new Random(7692);
        var (accepted, refused) = (0, 0);
        for (var i = 0; i < 20_000; i++)
        {
            var header = WriteLoosely(random, RandomOffers(random));
            for (var changes = random.Next(4); changes > 0; changes--) header = RandomText.Mutate(random, header);
            if (ExtensionOffer.TryParse(header, out var offers, out var error))
            {
                var written = ExtensionOffer.ToHeader(offers);
                ExtensionOffer.TryParse(written, out var again, out error).ShouldBeTrue($"{error}: {written}");
                ShouldBeSame(again, offers);
                ExtensionOffer.ToHeader(again).ShouldBe(written);
                accepted++;
            }
            else
            {
                error.Length.ShouldBeLessThan(250);
                RandomText.IsPrintable(error).ShouldBeTrue(error);
                refused++;
            }
        }

        accepted.ShouldBeGreaterThan(5000);
        refused.ShouldBeGreaterThan(5000);
    }

    [Fact]
    public void Random_noise_never_throws()
    {
        var random = new Random(2020);
        var refused = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var header = RandomText.From(random, RandomText.Hostile, 40);
            if (!ExtensionOffer.TryParse(header, out var offers, out _)) refused++;
            else ExtensionOffer.TryParse(ExtensionOffer.ToHeader(offers), out _, out _).ShouldBeTrue();
        }

        refused.ShouldBeGreaterThan(15_000);
    }

    private static ExtensionOffer[] RandomOffers(Random random)
    {
        var offers = new ExtensionOffer[random.Next(1, 5)];
        for (var i = 0; i < offers.Length; i++)
        {
            var parameters = new ExtensionParameter[random.Next(4)];
            for (var j = 0; j < parameters.Length; j++)
            {
                parameters[j] = new(RandomText.Token(random), random.Next(3) == 0 ? null : RandomText.Token(random));
            }

            offers[i] = new ExtensionOffer(RandomText.Token(random), parameters);
        }

        return offers;
    }

    // With white space, quotes, escapes and empty elements wherever the grammar has room for them.
    private static string WriteLoosely(Random random, ExtensionOffer[] offers)
    {
        var header = new StringBuilder();
        foreach (var offer in offers)
        {
            for (var empty = random.Next(3); empty > 0; empty--) header.Append(Space()).Append(',');
            header.Append(Space()).Append(offer.Name).Append(Space());
            foreach (var (name, value) in offer.Parameters)
            {
                header.Append(';').Append(Space()).Append(name).Append(Space());
                if (value is not null) header.Append('=').Append(Space()).Append(Value(value)).Append(Space());
            }

            header.Append(',');
        }

        return header.ToString(0, header.Length - random.Next(2));

        string Space() => RandomText.From(random, " \t", 2);

        string Value(string token)
        {
            if (random.Next(2) == 0) return token;
            var quoted = new StringBuilder("\"");
            foreach (var character in token)
            {
                if (random.Next(3) == 0) quoted.Append('\\');
                quoted.Append(character);
            }

            return quoted.Append('"').ToString();
        }
    }

    private static void ShouldBeSame(IReadOnlyList<ExtensionOffer> actual, IReadOnlyList<ExtensionOffer> expected)
    {
        actual.Count.ShouldBe(expected.Count);
        for (var i = 0; i < actual.Count; i++)
        {
            actual[i].Name.ShouldBe(expected[i].Name);
            actual[i].Parameters.ShouldBe(expected[i].Parameters);
        }
    }
}
