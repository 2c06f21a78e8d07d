namespace Sluice.Protocol;

/// <summary>The bits of a frame's first byte that extensions may use (RFC 6455 §5.2), in their place on the wire.</summary>
[Flags]
public enum ReservedBits : byte
{
    /// <summary>None set: what a frame without extensions has.</summary>
    None = 0,

    /// <summary>RSV1; permessage-deflate marks a compressed message with it (RFC 7692 §6).</summary>
    Rsv1 = 0x40,

    /// <summary>RSV2.</summary>
    Rsv2 = 0x20,

    /// <summary>RSV3.</summary>
    Rsv3 = 0x10,

    /// <summary>All three.</summary>
    All = Rsv1 | Rsv2 | Rsv3,
}
