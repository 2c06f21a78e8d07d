namespace Sluice;

/// <summary>Where a connection stands (RFC 6455 §4.1, §7.1.3, §7.1.4).</summary>
public enum ConnectionState
{
    /// <summary>Messages go both ways.</summary>
    Open,

    /// <summary>A close frame was sent; the peer's has not come yet.</summary>
    Closing,

    /// <summary>Nothing goes any more.</summary>
    Closed,
}
