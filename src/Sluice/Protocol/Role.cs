namespace Sluice.Protocol;

/// <summary>What the RFC calls the two sides; masking is the only difference on the wire (RFC 6455 §5.1).</summary>
public enum Role
{
    /// <summary>Accepted the handshake. Receives masked frames, sends unmasked ones.</summary>
    Server,

    /// <summary>Opened the connection. Sends masked frames, receives unmasked ones.</summary>
    Client,
}
