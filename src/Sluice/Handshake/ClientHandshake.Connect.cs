namespace Sluice.Handshake;

/// <content>The same over HTTP/2 and 3, by an extended CONNECT (RFC 8441 §5, RFC 9220 §3), which has neither a key nor <c>Upgrade</c>.</content>
public sealed partial class ClientHandshake
{
    /// <summary>All headers that make a CONNECT request with <c>:protocol</c> = <c>websocket</c> an opening handshake. A new list
    /// on each call.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> GetConnectHeaders()
    {
        var headers = new List<KeyValuePair<string, string>>(3) { new(FieldNames.Version, Version) };
        if (SubprotocolsHeader is not null) headers.Add(new(FieldNames.Subprotocols, SubprotocolsHeader));
        if (ExtensionsHeader is not null) headers.Add(new(FieldNames.Extensions, ExtensionsHeader));
        return headers;
    }

    /// <summary>Checks the response to a CONNECT: its status is 2xx, and subprotocol and extensions were offered.</summary>
    /// <param name="response">The response, unchecked. <c>Upgrade</c>, <c>Connection</c> and <c>Sec-WebSocket-Accept</c> are not
    /// looked at. Nothing in it makes this throw.</param>
    public ClientHandshakeOutcome ValidateConnect(in HandshakeResponse response)
    {
        if (response.Status is >= 200 and < 300) return CheckAgreement(response);
        var message = $"the server answered {response.Status}, not 200, so this is no WebSocket (RFC 8441 §5); {DescribeStatus(response.Status)}";
        return new(new HandshakeFailure(response.Status, FailureReason.Status, message));
    }
}
