using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Compression;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Handshake;

namespace Sluice.Fuzz.Targets.Deflating;

/// <summary>
/// The negotiation of RFC 7692 §7.1, from both sides: headers near to the grammar make nothing throw, the server takes the
/// first offer that the RFC allows and answers what it allows, and two of ours always agree.
/// </summary>
internal sealed class Negotiation : Target
{
    private const string ServerTakeover = "server_no_context_takeover";
    private const string ClientTakeover = "client_no_context_takeover";
    private const string ServerWindow = "server_max_window_bits";
    private const string ClientWindow = "client_max_window_bits";

    private static readonly Gen<string> Parameter =
        from name in Gen.Frequency((20, Gen.Elements(ServerTakeover, ClientTakeover, ServerWindow, ClientWindow)), (1, Gen.Elements("x", "Server_max_window_bits", "client_max_window_bits2")))
        from value in Gen.Frequency(
            (3, Gen.Constant("")), (4, Gen.Choose(7, 16).Select(bits => $"={bits}")), (1, Gen.Elements("=08", "=", "=\"10\"", "=\"\\9\"", "=+9", "=1e1", "=999999999999", " = 12", "=12 ")))
        select name.EndsWith("takeover", StringComparison.Ordinal) && value.Length < 4 ? name : name + value;

    private static readonly Gen<string> Element =
        from name in Gen.Frequency((12, Gen.Constant("permessage-deflate")), (1, Gen.Elements("x", "Permessage-Deflate", "permessage-bzip2")))
        from count in Gen.Choose(0, 4)
        from parameters in Parameter.ArrayOf(count)
        select string.Join("; ", [name, .. parameters]);

    private static readonly Gen<string> Header = Gen.Frequency(
        (8, Gen.Choose(1, 4).SelectMany(count => Element.ArrayOf(count)).Select(elements => string.Join(", ", elements))), (1, HeaderText.Extensions));

    public override string Name => "deflate-offers";

    public override Gen<byte[]> Inputs
        => from settings in Bytes.Exactly(6)
           from header in Header
           select (byte[])[.. settings, .. HeaderText.ToBytes(header)];

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var (ofServer, ofClient) = (Options(reader), Options(reader));
        Agree(ofClient, ofServer, trace);
        if (!ExtensionOffer.TryParse(HeaderText.FromBytes(reader.Rest()), out var elements, out _)) return;
        CheckServer(elements, ofServer, trace);
        CheckClient(elements, ofClient, trace);
    }

    private static CompressionOptions Options(InputReader reader)
    {
        var flags = reader.Byte();
        return new()
        {
            ServerContextTakeover = (flags & 1) == 0,
            ClientContextTakeover = (flags & 2) == 0,
            ServerMaxWindowBits = (flags & 4) == 0 ? 15 : 8 + reader.Below(8),
            ClientMaxWindowBits = (flags & 8) == 0 ? 15 : 8 + reader.Below(8),
        };
    }

    private static void CheckServer(IReadOnlyList<ExtensionOffer> offers, CompressionOptions options, Trace trace)
    {
        var agreement = DeflateAgreement.Negotiate(offers, options, out var response);
        FuzzFailure.UnlessSame(response is null, agreement is null, "an agreement and a response go together");
        var first = offers.Select(offer => Wanted.Of(offer, isResponse: false)).FirstOrDefault(wanted => wanted is not null);
        FuzzFailure.UnlessSame(agreement is null, first is null, "the first valid offer is taken, and none that is not valid");
        trace.Note(1, first is null ? 0 : 1 | ((first.Client ?? 31) << 8) | ((first.Server ?? 31) << 16));
        if (agreement is null || response is null) return;
        var answer = Reparsed(response);
        FuzzFailure.Unless(answer.Answers(first!), "the response is acceptable to the client that made the offer");
        FuzzFailure.UnlessSame(answer, Wanted.Of(response, isResponse: true), "the response re-parses to itself");
        CheckAgreement(agreement, answer);
    }

    private static void CheckClient(IReadOnlyList<ExtensionOffer> response, CompressionOptions options, Trace trace)
    {
        var accepted = DeflateAgreement.TryAccept(response, options, out var agreement, out var error);
        var ours = response.Where(element => element.Name == DeflateAgreement.ExtensionName).ToArray();
        var offers = DeflateAgreement.CreateOffers(options).Select(offer => Wanted.Of(offer, isResponse: false)).ToArray();
        FuzzFailure.Unless(offers.All(offer => offer is not null), "our own offers are valid");
        var answer = ours.Length == 1 ? Wanted.Of(ours[0], isResponse: true) : null;
        var valid = ours.Length == 0 || (answer is not null && offers.Any(offer => answer.Answers(offer!)));
        trace.Note(2, (accepted ? 1 : 0) | (ours.Length << 1));
        FuzzFailure.UnlessSame(accepted, valid, "a response is accepted if it is valid and answers an offer");
        if (!accepted) FuzzFailure.Unless(error is { Length: > 0 and < 500 } && agreement is null && !error.Replace('§', 'S').AsSpan().ContainsAnyExceptInRange(' ', '~'), "a refusal says why, printably");
        if (!accepted) return;
        FuzzFailure.UnlessSame(agreement is null, ours.Length == 0, "nothing is agreed to without a response");
        if (agreement is null) return;
        FuzzFailure.Unless(agreement.ServerNoContextTakeover == answer!.ServerForgets && agreement.ServerMaxWindowBits == (answer.Server ?? 15), "what the server promised holds");
        FuzzFailure.Unless(agreement.ClientNoContextTakeover || !answer.ClientForgets, "what the server asks of the client holds");
        FuzzFailure.Unless(agreement.ClientMaxWindowBits <= (answer.Client ?? 15), "the client's window is what the server asks for, or smaller");
        Printed(agreement);
    }

    private static void Agree(CompressionOptions ofClient, CompressionOptions ofServer, Trace trace)
    {
        var header = ExtensionOffer.ToHeader(DeflateAgreement.CreateOffers(ofClient));
        FuzzFailure.Unless(ExtensionOffer.TryParse(header, out var offers, out _), "our own offers parse");
        var there = DeflateAgreement.Negotiate(offers, ofServer, out var response);
        if (there is null) throw new FuzzFailure("our server takes our client's offers");
        FuzzFailure.Unless(ExtensionOffer.TryParse(response!.ToString(), out var back, out _), "our own response parses");
        FuzzFailure.Unless(DeflateAgreement.TryAccept(back, ofClient, out var here, out var error), error ?? "our client takes our server's response");
        trace.Note(3, (here!.ServerMaxWindowBits << 8) | here.ClientMaxWindowBits);
        FuzzFailure.Unless(here.ServerMaxWindowBits >= there.ServerMaxWindowBits && here.ClientMaxWindowBits <= there.ClientMaxWindowBits, "who sends has the smaller window");
        FuzzFailure.UnlessSame(here.ServerNoContextTakeover, there.ServerNoContextTakeover, "both know what the server does");
        FuzzFailure.Unless(here.ClientNoContextTakeover || !there.ClientNoContextTakeover, "the client does what the server expects");
        Printed(here);
        Printed(there);
    }

    private static void CheckAgreement(DeflateAgreement agreement, Wanted answer)
    {
        FuzzFailure.UnlessSame(agreement.ServerNoContextTakeover, answer.ServerForgets, "the server's takeover is what the response says");
        FuzzFailure.UnlessSame(agreement.ClientNoContextTakeover, answer.ClientForgets, "the client's takeover is what the response says");
        FuzzFailure.UnlessSame(agreement.ServerMaxWindowBits, answer.Server ?? 15, "the server's window is what the response says");
        FuzzFailure.UnlessSame(agreement.ClientMaxWindowBits, answer.Client ?? 15, "the client's window is what the response says");
        Printed(agreement);
    }

    private static void Printed(DeflateAgreement agreement)
    {
        FuzzFailure.Unless(ExtensionOffer.TryParse(agreement.ToString(), out var elements, out _) && elements.Count == 1, "an agreement prints as one element");
        var again = Wanted.Of(elements[0], isResponse: true);
        FuzzFailure.Unless(
            again is not null && again.ServerForgets == agreement.ServerNoContextTakeover && again.ClientForgets == agreement.ClientNoContextTakeover
                && (again.Server ?? 15) == agreement.ServerMaxWindowBits && (again.Client ?? 15) == agreement.ClientMaxWindowBits,
            "an agreement re-parses to itself");
    }

    private static Wanted Reparsed(ExtensionOffer response)
    {
        FuzzFailure.Unless(ExtensionOffer.TryParse(response.ToString(), out var elements, out _) && elements.Count == 1, "a response is one element");
        return Wanted.Of(elements[0], isResponse: true) ?? throw new FuzzFailure("a response is valid");
    }

    /// <summary>§7.1 a second time.</summary>
    /// <param name="Client">0: without a value.</param>
    private sealed record Wanted(bool ServerForgets, bool ClientForgets, int? Server, int? Client)
    {
        public static Wanted? Of(ExtensionOffer element, bool isResponse)
        {
            if (element.Name != "permessage-deflate") return null;
            var names = element.Parameters.Select(parameter => parameter.Name).ToArray();
            if (names.Distinct().Count() != names.Length) return null;
            var wanted = new Wanted(false, false, null, null);
            foreach (var (name, value) in element.Parameters)
            {
                var bits = value is not null && Enumerable.Range(8, 8).Any(number => number.ToString(CultureInfo.InvariantCulture) == value)
                    ? int.Parse(value, CultureInfo.InvariantCulture) : (int?)null;
                var next = name switch
                {
                    ServerTakeover when value is null => wanted with { ServerForgets = true },
                    ClientTakeover when value is null => wanted with { ClientForgets = true },
                    ServerWindow when bits is not null => wanted with { Server = bits },
                    ClientWindow when bits is not null => wanted with { Client = bits },
                    ClientWindow when value is null && !isResponse => wanted with { Client = 0 },
                    _ => null,
                };
                if (next is null) return null;
                wanted = next;
            }
            return wanted;
        }

        public bool Answers(Wanted offer)
        {
            if (offer.ServerForgets && !ServerForgets) return false;
            if (offer.Server is not null && (Server is null || Server > offer.Server)) return false;
            return Client is null || offer.Client is not null; // its value is a hint (RFC 7692 §7.1.2.2)
        }
    }
}
