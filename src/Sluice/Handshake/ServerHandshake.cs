namespace Sluice.Handshake;

/// <summary>The server's side of the opening handshake over HTTP/1.1 (RFC 6455 §4.2); <see cref="ConnectHandshake"/> is the one over
/// HTTP/2 and 3. Pure and thread-safe.</summary>
public static class ServerHandshake
{
    private const string ProxyHint = "a proxy in between must forward Upgrade and Connection";
    private const int LongestKeyToDecode = 128;

    private static readonly KeyValuePair<string, string>[] AllowHeader = [new(FieldNames.Allow, "GET")];

    // RFC 9110 §15.5.22: a 426 names the protocol to upgrade to.
    private static readonly KeyValuePair<string, string>[] UpgradeHeaders =
        [new(FieldNames.Upgrade, "websocket"), new(FieldNames.Connection, "Upgrade")];

    private static readonly KeyValuePair<string, string>[] VersionHeaders = [.. UpgradeHeaders, new(FieldNames.Version, "13")];

    /// <summary>
    /// Checks a request by the rules of RFC 6455 §4.2.1 and then by the policy; the first rule that it breaks decides
    /// the answer.
    /// </summary>
    /// <param name="request">The request, unchecked.</param>
    /// <param name="policy">What the server agrees to.</param>
    /// <returns>What to answer. Nothing in the request makes this throw; an <see cref="OriginPolicy.Custom"/> predicate may.</returns>
    public static HandshakeOutcome Evaluate(in HandshakeRequest request, HandshakePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var refusal = CheckUpgrade(request) ?? CheckWebSocketFields(request);
        if (refusal is not null) return new(refusal);
        return Agree(request, policy, HandshakeKey.ComputeAccept(request.Key));
    }

    /// <summary>What both ways to open a WebSocket have in common: subprotocol, extensions, origin.</summary>
    internal static HandshakeOutcome Agree(in HandshakeRequest request, HandshakePolicy policy, string? accept)
    {
        if (!Subprotocols.TryParse(request.Subprotocols, out var subprotocols, out var error))
        {
            return new(BadRequest(RefusalReason.Subprotocols, error));
        }

        if (!ExtensionOffer.TryParse(request.Extensions, out var extensions, out error))
        {
            return new(BadRequest(RefusalReason.Extensions, error));
        }

        if (!policy.Origins.Allows(request)) return new(ForbidOrigin(request));
        return new(accept, Subprotocols.Choose(policy.Subprotocols, subprotocols), extensions);
    }

    private static HandshakeRefusal? CheckUpgrade(in HandshakeRequest request)
    {
        // "An HTTP/1.1 or higher GET request"
        if (request.Method != "GET")
        {
            var message = $"a WebSocket is opened with GET (RFC 6455 §4.2.1), not {Excerpt.Of(request.Method)}";
            return new(405, RefusalReason.Method, message, AllowHeader);
        }

        if (request.HttpVersion is { } version && !IsHttp11OrHigher(version))
        {
            return BadRequest(
                RefusalReason.HttpVersion,
                $"a WebSocket is opened over HTTP/1.1 or higher (RFC 6455 §4.2.1); this is {Excerpt.Of(version)}");
        }

        // "An |Upgrade| header field containing the value "websocket", treated as an ASCII case-insensitive value."
        if (!HttpGrammar.ContainsToken(request.Upgrade, "websocket"))
        {
            var found = Excerpt.OfField(request.Upgrade);
            var message = $"Upgrade must contain \"websocket\" (RFC 6455 §4.2.1); {found}; {ProxyHint}";
            return new(426, RefusalReason.Upgrade, message, UpgradeHeaders);
        }

        // "A |Connection| header field that includes the token "Upgrade", treated as an ASCII case-insensitive value."
        if (HttpGrammar.ContainsToken(request.Connection, "upgrade")) return null;
        return BadRequest(
            RefusalReason.Connection,
            $"Connection must contain \"Upgrade\" (RFC 6455 §4.2.1); {Excerpt.OfField(request.Connection)}; {ProxyHint}");
    }

    /// <summary>"A |Host| header field containing the server's authority."</summary>
    internal static HandshakeRefusal? CheckHost(in HandshakeRequest request)
    {
        if (Authority.TryParse(request.Host, out _)) return null;
        return BadRequest(
            RefusalReason.Host,
            $"Host must hold the server's name and port (RFC 6455 §4.2.1); {Excerpt.OfField(request.Host)}");
    }

    private static HandshakeRefusal? CheckWebSocketFields(in HandshakeRequest request)
    {
        // "A |Sec-WebSocket-Version| header field, with a value of 13."
        if (request.Version != "13")
        {
            var message = $"{FieldNames.Version} must be 13 (RFC 6455 §4.2.1); {Excerpt.OfField(request.Version)}";
            return new(426, RefusalReason.Version, message, VersionHeaders);
        }

        // "A |Sec-WebSocket-Key| header field with a base64-encoded value that, when decoded, is 16 bytes in length."
        if (!HandshakeKey.IsValid(request.Key))
        {
            var found = DescribeKey(request.Key);
            return BadRequest(RefusalReason.Key, $"{FieldNames.Key} must be 16 bytes in base64 (RFC 6455 §4.2.1); {found}");
        }

        return CheckHost(request);
    }

    private static HandshakeRefusal ForbidOrigin(in HandshakeRequest request) => new(
        403,
        RefusalReason.Origin,
        request.Origin is { } origin
            ? $"origin {Excerpt.Of(origin)} may not connect to {Excerpt.Of(request.Host)}; if it should, add it to the server's allowed origins"
            : "the server's origin policy does not allow a request without Origin");

    private static HandshakeRefusal BadRequest(RefusalReason reason, string message) => new(400, reason, message);

    // HTTP-version = "HTTP" "/" DIGIT "." DIGIT (RFC 9112 §2.3); HTTP/2 and 3 are written with or without ".0".
    private static bool IsHttp11OrHigher(string version) => version.StartsWith("HTTP/", StringComparison.Ordinal)
        && version.AsSpan(5) is ['1', '.', >= '1' and <= '9']
            or [>= '2' and <= '9']
            or [>= '2' and <= '9', '.', >= '0' and <= '9'];

    private static string DescribeKey(string? key)
    {
        Span<byte> nonce = stackalloc byte[LongestKeyToDecode];
        if (string.IsNullOrEmpty(key)) return Excerpt.OfField(key);
        if (key.Length > LongestKeyToDecode) return $"it has {key.Length} characters, not 24";
        return !key.AsSpan().ContainsAny(" \t\r\n") && Convert.TryFromBase64String(key, nonce, out var length)
            ? $"it has {length}"
            : $"{Excerpt.Of(key)} is not base64";
    }
}
