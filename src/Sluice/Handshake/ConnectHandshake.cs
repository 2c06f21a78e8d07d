namespace Sluice.Handshake;

/// <summary>
/// The server's side of the opening handshake over HTTP/2 and 3: an extended CONNECT (RFC 8441 §5, RFC 9220 §3), which
/// has neither <c>Upgrade</c> and <c>Connection</c> nor a key, and is accepted with 200. Pure and thread-safe.
/// </summary>
public static class ConnectHandshake
{
    private static readonly KeyValuePair<string, string>[] AllowHeader = [new(FieldNames.Allow, "CONNECT")];
    private static readonly KeyValuePair<string, string>[] VersionHeader = [new(FieldNames.Version, "13")];

    /// <summary>Checks a request by the rules of RFC 8441 and then by the policy; the first rule that it breaks decides the
    /// answer.</summary>
    /// <param name="request">The request, unchecked; <see cref="HandshakeRequest.Protocol"/> among it. The key is not looked at;
    /// <c>Upgrade</c> and <c>Connection</c> must not be there.</param>
    /// <param name="policy">What the server agrees to.</param>
    /// <returns>What to answer; accepted, it has no <see cref="HandshakeOutcome.Accept"/>. Nothing in the request makes this
    /// throw; an <see cref="OriginPolicy.Custom"/> predicate may.</returns>
    public static HandshakeOutcome Evaluate(in HandshakeRequest request, HandshakePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var refusal = Check(request) ?? ServerHandshake.CheckHost(request);
        return refusal is not null ? new(refusal) : ServerHandshake.Agree(request, policy, accept: null);
    }

    private static HandshakeRefusal? Check(in HandshakeRequest request)
    {
        if (request.Method != "CONNECT")
        {
            var message = $"over HTTP/2 and 3 a WebSocket is opened with CONNECT (RFC 8441 §5), not {Excerpt.Of(request.Method)}";
            return new(405, RefusalReason.Method, message, AllowHeader);
        }

        // "A new pseudo-header field :protocol"; the registry's names compare as they are, in lower case. RFC 9220 §3 wants
        // a 501 for a protocol that is not known; a CONNECT without one asks for something else altogether.
        if (request.Protocol != "websocket")
        {
            return new(
                request.Protocol is null ? 400 : 501,
                RefusalReason.Upgrade,
                $":protocol must be \"websocket\" (RFC 8441 §5); {Excerpt.OfField(request.Protocol)}");
        }

        // RFC 9113 §8.2.2: a request with fields of the connection is malformed. Kestrel lets Upgrade through.
        if (request.Upgrade is not null || request.Connection is not null)
        {
            return new(
                400,
                request.Upgrade is not null ? RefusalReason.Upgrade : RefusalReason.Connection,
                "over HTTP/2 and 3 there is no Upgrade and no Connection (RFC 9113 §8.2.2); leave them out");
        }

        // Not 426, which would have to name the protocol in Upgrade, a field that HTTP/2 does not have (RFC 9113 §8.2.2).
        if (request.Version == "13") return null;
        return new(
            400,
            RefusalReason.Version,
            $"{FieldNames.Version} must be 13 (RFC 8441 §5); {Excerpt.OfField(request.Version)}",
            VersionHeader);
    }
}
