using System.Diagnostics.CodeAnalysis;
using Sluice.Handshake;
using Sluice.Protocol;

namespace Sluice.Compression;

/// <summary>
/// What both sides of a connection agreed to about permessage-deflate (RFC 7692 §7.1): the outcome of the opening handshake,
/// to be handed to a <see cref="WebSocketConnection"/>. Immutable.
/// </summary>
public sealed record DeflateAgreement
{
    /// <summary>The extension's name.</summary>
    public const string ExtensionName = "permessage-deflate";

    /// <summary>Whether each of the server's messages is compressed by itself.</summary>
    public bool ServerNoContextTakeover { get; init; }

    /// <summary>Whether each of the client's messages is compressed by itself.</summary>
    public bool ClientNoContextTakeover { get; init; }

    /// <summary>The largest window of the server's compressor in bits, 8 to 15. Default 15.</summary>
    public int ServerMaxWindowBits { get; init => field = CheckBits(value); } = 15;

    /// <summary>The largest window of the client's compressor in bits, 8 to 15. Default 15.</summary>
    public int ClientMaxWindowBits { get; init => field = CheckBits(value); } = 15;

    /// <summary>How this side compresses: level, memory, threshold.</summary>
    public CompressionOptions Options { get; init; } = CompressionOptions.Default;

    /// <summary>The server's side: accepts the first offer that is valid and can be met; others are declined.</summary>
    /// <param name="offers">The client's, as <see cref="HandshakeOutcome.Extensions"/> has them; other extensions among them
    /// are passed over.</param>
    /// <param name="options">What the server wants; <see langword="null"/> declines all.</param>
    /// <param name="response">The element for the response's <c>Sec-WebSocket-Extensions</c>; <see langword="null"/> when none was accepted.</param>
    /// <returns>What holds if the response is sent; <see langword="null"/> when none was accepted.</returns>
    public static DeflateAgreement? Negotiate(
        IReadOnlyList<ExtensionOffer> offers, CompressionOptions? options, out ExtensionOffer? response)
    {
        ArgumentNullException.ThrowIfNull(offers);
        response = null;
        if (options is null || !CompressionOptions.IsSupported) return null;
        for (var i = 0; i < offers.Count; i++)
        {
            if (offers[i].Name != ExtensionName || DeflateParameters.Read(offers[i], isResponse: false, out var offer) is not null) continue;
            var answer = Answer(offer, options);
            response = answer.ToElement();
            return Of(answer, options);
        }
        return null;
    }

    /// <summary>The client's side: what to offer, best first.</summary>
    /// <param name="options">What the client wants; <see langword="null"/> offers nothing.</param>
    public static IReadOnlyList<ExtensionOffer> CreateOffers(CompressionOptions? options)
    {
        if (options is null || !CompressionOptions.IsSupported) return [];
        // Some servers decline what has window bits in it: the last offer is without.
        var plain = new DeflateParameters
        {
            ServerNoContextTakeover = !options.ServerContextTakeover,
            ClientNoContextTakeover = !options.ClientContextTakeover,
        };
        var full = plain with
        {
            ServerMaxWindowBits = options.ServerMaxWindowBits < 15 ? options.ServerMaxWindowBits : null,
            ClientMaxWindowBits = options.ClientMaxWindowBits < 15 ? options.ClientMaxWindowBits : 0,
        };
        return [full.ToElement(), plain.ToElement()];
    }

    /// <summary>The client's side: checks what the server agreed to. What is not valid, or answers no offer, must fail the
    /// handshake (§7.1).</summary>
    /// <param name="response">The server's, as <see cref="ClientHandshakeOutcome.Extensions"/> has them.</param>
    /// <param name="options">What <see cref="CreateOffers"/> was given.</param>
    /// <param name="agreement">What holds; <see langword="null"/> when the server declined, or when it is wrong.</param>
    /// <param name="error">What is wrong, as a sentence.</param>
    /// <returns>False when the handshake must fail.</returns>
    public static bool TryAccept(
        IReadOnlyList<ExtensionOffer> response, CompressionOptions? options, out DeflateAgreement? agreement, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(response);
        agreement = null;
        error = null;
        var offers = CreateOffers(options);
        for (var i = 0; i < response.Count; i++)
        {
            if (response[i].Name != ExtensionName) continue;
            error = agreement is not null ? $"the server agreed to {ExtensionName} twice (RFC 7692 §5)" : Accept(response[i], offers, options, ref agreement);
            if (error is null) continue;
            agreement = null;
            return false;
        }
        return true;
    }

    /// <summary>The agreement in the words of the header, without what is the default.</summary>
    public override string ToString() => new DeflateParameters
    {
        ServerNoContextTakeover = ServerNoContextTakeover,
        ClientNoContextTakeover = ClientNoContextTakeover,
        ServerMaxWindowBits = ServerMaxWindowBits < 15 ? ServerMaxWindowBits : null,
        ClientMaxWindowBits = ClientMaxWindowBits < 15 ? ClientMaxWindowBits : null,
    }.ToElement().ToString();

    internal bool NoContextTakeover(Role sender) => sender == Role.Server ? ServerNoContextTakeover : ClientNoContextTakeover;

    internal int MaxWindowBits(Role sender) => sender == Role.Server ? ServerMaxWindowBits : ClientMaxWindowBits;

    private static DeflateParameters Answer(in DeflateParameters offer, CompressionOptions options)
    {
        // §7.1.2.1: the same value or a smaller one, and one of the server's own also when the offer has none.
        var server = Math.Min(offer.ServerMaxWindowBits ?? 15, options.ServerMaxWindowBits);
        // §7.1.2.2: only where the offer has it.
        var client = offer.ClientMaxWindowBits is { } most ? Math.Min(most == 0 ? 15 : most, options.ClientMaxWindowBits) : 15;
        return new DeflateParameters
        {
            ServerNoContextTakeover = offer.ServerNoContextTakeover || !options.ServerContextTakeover,
            ClientNoContextTakeover = offer.ClientNoContextTakeover || !options.ClientContextTakeover,
            ServerMaxWindowBits = server < 15 || offer.ServerMaxWindowBits is not null ? server : null,
            ClientMaxWindowBits = client < 15 ? client : null,
        };
    }

    private static string? Accept(
        ExtensionOffer element, IReadOnlyList<ExtensionOffer> offers, CompressionOptions? options, ref DeflateAgreement? agreement)
    {
        if (DeflateParameters.Read(element, isResponse: true, out var answer) is { } error) return error;
        for (var i = 0; i < offers.Count; i++)
        {
            DeflateParameters.Read(offers[i], isResponse: false, out var offer);
            if (!Answers(answer, offer)) continue;
            // What this side's compressor does is its own choice within what was agreed.
            var agreed = Of(answer, options!);
            agreement = agreed with
            {
                ClientNoContextTakeover = agreed.ClientNoContextTakeover || !options!.ClientContextTakeover,
                ClientMaxWindowBits = Math.Min(agreed.ClientMaxWindowBits, options!.ClientMaxWindowBits),
            };
            return null;
        }
        return $"{Excerpt.Of(element.ToString())} answers none of our offers (RFC 7692 §7.1)";
    }

    private static bool Answers(in DeflateParameters answer, in DeflateParameters offer)
    {
        // What the client asked for must be confirmed (§7.1.1.1, §7.1.2.1); its window may be limited only when it
        // said that it can be (§7.1.2.2).
        if (offer.ServerNoContextTakeover && !answer.ServerNoContextTakeover) return false;
        if (offer.ServerMaxWindowBits is { } most && !(answer.ServerMaxWindowBits <= most)) return false;
        // A value in the offer is a hint, which the server may ignore; what this side does is within both (§7.2.1).
        return answer.ClientMaxWindowBits is null || offer.ClientMaxWindowBits is not null;
    }

    private static DeflateAgreement Of(in DeflateParameters parameters, CompressionOptions options) => new()
    {
        ServerNoContextTakeover = parameters.ServerNoContextTakeover,
        ClientNoContextTakeover = parameters.ClientNoContextTakeover,
        ServerMaxWindowBits = parameters.ServerMaxWindowBits ?? 15,
        ClientMaxWindowBits = parameters.ClientMaxWindowBits ?? 15,
        Options = options,
    };

    private static int CheckBits(int value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 8);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 15);
        return value;
    }
}
