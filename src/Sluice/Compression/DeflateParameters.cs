using Sluice.Handshake;

namespace Sluice.Compression;

/// <summary>The parameters of one <c>permessage-deflate</c> element (RFC 7692 §7.1), read strictly: an offer that is not
/// valid is declined, a response that is not valid fails the connection.</summary>
internal readonly record struct DeflateParameters
{
    private const string ServerTakeover = "server_no_context_takeover";
    private const string ClientTakeover = "client_no_context_takeover";
    private const string ServerWindow = "server_max_window_bits";
    private const string ClientWindow = "client_max_window_bits";

    public bool ServerNoContextTakeover { get; init; }

    public bool ClientNoContextTakeover { get; init; }

    /// <summary><see langword="null"/>: absent.</summary>
    public int? ServerMaxWindowBits { get; init; }

    /// <summary><see langword="null"/>: absent; 0: without a value, as only an offer may have it (§7.1.2.2).</summary>
    public int? ClientMaxWindowBits { get; init; }

    /// <summary>Reads the parameters.</summary>
    /// <param name="element">An element whose name is <c>permessage-deflate</c>.</param>
    /// <param name="isResponse">Whether a server sent it.</param>
    /// <param name="parameters">What was read.</param>
    /// <returns>What is wrong; <see langword="null"/> when nothing is.</returns>
    public static string? Read(ExtensionOffer element, bool isResponse, out DeflateParameters parameters)
    {
        parameters = default;
        for (var i = 0; i < element.Parameters.Count; i++)
        {
            var (name, value) = element.Parameters[i];
            // "with multiple extension parameters with the same name"
            for (var j = 0; j < i; j++)
            {
                if (element.Parameters[j].Name == name) return $"{name} stands there twice (RFC 7692 §7.1)";
            }
            if (Read(name, value, isResponse, ref parameters) is { } error) return error;
        }
        return null;
    }

    /// <summary>The element as it stands in a header.</summary>
    public ExtensionOffer ToElement()
    {
        var list = new List<ExtensionParameter>(4);
        if (ServerNoContextTakeover) list.Add(new(ServerTakeover));
        if (ClientNoContextTakeover) list.Add(new(ClientTakeover));
        if (ServerMaxWindowBits is { } server) list.Add(new(ServerWindow, Digits(server)));
        if (ClientMaxWindowBits is { } client) list.Add(new(ClientWindow, client == 0 ? null : Digits(client)));
        return new(DeflateAgreement.ExtensionName, [.. list]);
    }

    private static string? Read(string name, string? value, bool isResponse, ref DeflateParameters parameters)
    {
        switch (name)
        {
            case ServerTakeover:
                parameters = parameters with { ServerNoContextTakeover = true };
                return value is null ? null : $"{name} has no value (RFC 7692 §7.1.1.1)";
            case ClientTakeover:
                parameters = parameters with { ClientNoContextTakeover = true };
                return value is null ? null : $"{name} has no value (RFC 7692 §7.1.1.2)";
            case ServerWindow:
                parameters = parameters with { ServerMaxWindowBits = Bits(value) };
                return parameters.ServerMaxWindowBits > 0 ? null : NotBits(name, value, "§7.1.2.1");
            case ClientWindow:
                parameters = parameters with { ClientMaxWindowBits = value is null && !isResponse ? 0 : Bits(value) };
                return parameters.ClientMaxWindowBits is not null ? null : NotBits(name, value, "§7.1.2.2");
            default:
                return $"{Excerpt.Of(name)} is no parameter of permessage-deflate (RFC 7692 §7.1)";
        }
    }

    // "a decimal integer value without leading zeroes between 8 to 15, inclusive"
    private static int? Bits(string? value) => value switch
    {
        ['8'] => 8,
        ['9'] => 9,
        ['1', >= '0' and <= '5' and var digit] => 10 + (digit - '0'),
        _ => null,
    };

    private static string NotBits(string name, string? value, string section)
        => $"{name} must be a number from 8 to 15 (RFC 7692 {section}); {(value is null ? "it has no value" : "it is " + Excerpt.Of(value))}";

    private static string Digits(int bits) => bits.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
