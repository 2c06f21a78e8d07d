namespace Sluice.Handshake;

/// <summary>The header fields of the opening handshake (RFC 6455 §11.3, RFC 9110 §7.8).</summary>
internal static class FieldNames
{
    public const string Upgrade = "Upgrade";
    public const string Connection = "Connection";
    public const string Allow = "Allow";
    public const string Key = "Sec-WebSocket-Key";
    public const string Accept = "Sec-WebSocket-Accept";
    public const string Version = "Sec-WebSocket-Version";
    public const string Subprotocols = "Sec-WebSocket-Protocol";
    public const string Extensions = "Sec-WebSocket-Extensions";
}
