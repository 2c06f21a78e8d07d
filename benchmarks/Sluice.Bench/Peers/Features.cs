namespace Sluice.Bench.Peers;

/// <summary>What a peer can be measured with.</summary>
[Flags]
internal enum Features
{
    None = 0,
    Echo = 1,
    Tls = 2,
    Compression = 4,
    Rooms = 8,
    Idle = 16,
    Proxy = 32,
    All = Echo | Tls | Compression | Rooms | Idle,
}

/// <summary>How a server is started for a scenario.</summary>
internal enum Variant
{
    Plain,
    Tls,
    Compressed,
}
