namespace Sluice.Handshake;

/// <summary>
/// The client's side of one opening handshake over HTTP/1.1 (RFC 6455 §4.1): the headers to send and the check of
/// what comes back. One instance for one connection attempt, since a key is used once. Immutable and thread-safe.
/// </summary>
public sealed partial class ClientHandshake
{
    private readonly string[] _subprotocols;
    private readonly ExtensionOffer[] _extensions;

    /// <summary>A handshake that offers the given subprotocols and extensions.</summary>
    /// <param name="subprotocols">The subprotocols that the client speaks, best first; null for none. Copied.</param>
    /// <param name="extensions">The extensions to offer, best first; null for none. Copied.</param>
    /// <param name="key">The value of <c>Sec-WebSocket-Key</c>; null, as always outside of tests, for a random one.</param>
    /// <exception cref="ArgumentException">
    /// A subprotocol is not a token or stands there twice, or the key is not 16 bytes in base64.
    /// </exception>
    public ClientHandshake(
        IReadOnlyList<string>? subprotocols = null,
        IReadOnlyList<ExtensionOffer>? extensions = null,
        string? key = null)
    {
        if (key is not null && !HandshakeKey.IsValid(key))
        {
            throw new ArgumentException("a key is 16 bytes in base64, 24 characters", nameof(key));
        }

        _subprotocols = Subprotocols.Copy(subprotocols ?? [], nameof(subprotocols));
        _extensions = [.. extensions ?? []];
        Key = key ?? HandshakeKey.Create();
        SubprotocolsHeader = _subprotocols.Length == 0 ? null : string.Join(", ", _subprotocols);
        ExtensionsHeader = ExtensionOffer.ToHeader(_extensions);
    }

    /// <summary>The value of <c>Sec-WebSocket-Version</c>: 13.</summary>
    public const string Version = "13";

    /// <summary>The value of <c>Sec-WebSocket-Key</c>.</summary>
    public string Key { get; }

    /// <summary>The value of <c>Sec-WebSocket-Protocol</c>; null, for no header, when none is offered.</summary>
    public string? SubprotocolsHeader { get; }

    /// <summary>The value of <c>Sec-WebSocket-Extensions</c>; null, for no header, when none is offered.</summary>
    public string? ExtensionsHeader { get; }

    /// <summary>All headers that make a GET request an opening handshake, except <c>Host</c>. A new list on each call.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> GetHeaders()
    {
        var headers = new List<KeyValuePair<string, string>>(6)
        {
            new(FieldNames.Upgrade, "websocket"),
            new(FieldNames.Connection, "Upgrade"),
            new(FieldNames.Version, Version),
            new(FieldNames.Key, Key),
        };
        if (SubprotocolsHeader is not null) headers.Add(new(FieldNames.Subprotocols, SubprotocolsHeader));
        if (ExtensionsHeader is not null) headers.Add(new(FieldNames.Extensions, ExtensionsHeader));
        return headers;
    }

    /// <summary>
    /// Checks the response by the rules of RFC 6455 §4.1 in their order; the first that it breaks fails the connection.
    /// </summary>
    /// <param name="response">The response, unchecked. Nothing in it makes this throw.</param>
    public ClientHandshakeOutcome Validate(in HandshakeResponse response)
    {
        return CheckUpgrade(response) is { } failure ? new(failure) : CheckAgreement(response);
    }

    private ClientHandshakeOutcome CheckAgreement(in HandshakeResponse response)
    {
        if (!ExtensionOffer.TryParse(response.Extensions, out var extensions, out var error))
        {
            return new(new HandshakeFailure(response.Status, FailureReason.Extensions, error));
        }

        if (FindUnoffered(extensions) is { } extension)
        {
            var message = $"the server uses the extension {Excerpt.Of(extension)}, which was not offered (RFC 6455 §4.1)";
            return new(new HandshakeFailure(response.Status, FailureReason.Extensions, message));
        }

        var subprotocol = response.Subprotocol is null ? null : HttpGrammar.Trim(response.Subprotocol).ToString();
        if (subprotocol is not null && !Subprotocols.Contains(_subprotocols, subprotocol))
        {
            return new(new HandshakeFailure(response.Status, FailureReason.Subprotocol, DescribeSubprotocol(subprotocol)));
        }

        return new(subprotocol, extensions);
    }

    private HandshakeFailure? CheckUpgrade(in HandshakeResponse response)
    {
        if (response.Status != 101)
        {
            var hint = DescribeStatus(response.Status);
            var message = $"the server answered {response.Status}, not 101, so this is no WebSocket (RFC 6455 §4.1); {hint}";
            return new(response.Status, FailureReason.Status, message);
        }

        // "contains a value that is not an ASCII case-insensitive match for the value "websocket""
        if (!HttpGrammar.EqualsIgnoreCase(HttpGrammar.Trim(response.Upgrade), "websocket"))
        {
            var found = Excerpt.OfField(response.Upgrade);
            return new(101, FailureReason.Upgrade, $"the response's Upgrade must be \"websocket\" (RFC 6455 §4.1); {found}");
        }

        // "doesn't contain a token that is an ASCII case-insensitive match for the value "Upgrade""
        if (!HttpGrammar.ContainsToken(response.Connection, "upgrade"))
        {
            var found = Excerpt.OfField(response.Connection);
            var message = $"the response's Connection must contain \"Upgrade\" (RFC 6455 §4.1); {found}";
            return new(101, FailureReason.Connection, message);
        }

        // "but ignoring any leading and trailing whitespace"
        var accept = HandshakeKey.ComputeAccept(Key);
        if (HttpGrammar.Trim(response.Accept).SequenceEqual(accept)) return null;
        return new(
            101,
            FailureReason.Accept,
            $"{FieldNames.Accept} must be \"{accept}\" to answer our key (RFC 6455 §4.1); {Excerpt.OfField(response.Accept)}");
    }

    private string? FindUnoffered(IReadOnlyList<ExtensionOffer> agreed)
    {
        for (var i = 0; i < agreed.Count; i++)
        {
            var name = agreed[i].Name;
            if (!Array.Exists(_extensions, offer => offer.Name == name)) return name;
        }

        return null;
    }

    private static string DescribeSubprotocol(string subprotocol) => subprotocol.Contains(',', StringComparison.Ordinal)
        ? $"{FieldNames.Subprotocols} must name the one subprotocol that the server chose (RFC 6455 §4.1); it is {Excerpt.Of(subprotocol)}"
        : $"the server chose the subprotocol {Excerpt.Of(subprotocol)}, which was not offered (RFC 6455 §4.1)";

    private static string DescribeStatus(int status) => status switch
    {
        200 => "the address serves something else",
        401 or 407 => "it wants credentials",
        >= 300 and < 400 => "it points to another address",
        _ => "the body may say why",
    };
}
