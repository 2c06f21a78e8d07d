namespace Sluice.Proxy;

/// <summary>How a tunnel ended; the first cause counts.</summary>
internal enum TunnelEnd
{
    Open,
    ClientClosed,
    BackendClosed,
    ClientReset,
    BackendReset,
    ClientStalled,
    BackendStalled,
    HalfCloseTimeout,
    Shutdown,
}

/// <summary>The backend's side of a tunnel that is to be opened.</summary>
/// <param name="Connection">The connection, taken out of the HTTP handler's hands.</param>
/// <param name="Early">Bytes that came right behind the 101.</param>
internal sealed record BackendTunnelEnd(BackendConnection Connection, ReadOnlyMemory<byte> Early);
