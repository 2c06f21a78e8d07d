namespace Sluice.Protocol;

/// <summary>What a frame carries (RFC 6455 §5.2 and §11.8). The values are those on the wire; 3–7 and 11–15 are reserved.</summary>
public enum Opcode : byte
{
    /// <summary>A further fragment of the message under way (§5.4).</summary>
    Continuation = 0x0,

    /// <summary>A text message, or its first fragment: UTF-8 (§5.6).</summary>
    Text = 0x1,

    /// <summary>A binary message, or its first fragment (§5.6).</summary>
    Binary = 0x2,

    /// <summary>Starts or answers the closing handshake (§5.5.1).</summary>
    Close = 0x8,

    /// <summary>Asks the peer for a pong with the same payload (§5.5.2).</summary>
    Ping = 0x9,

    /// <summary>Answers a ping, or comes unasked (§5.5.3).</summary>
    Pong = 0xA,
}
