using Sluice.Peers;

namespace Sluice.Interop;

/// <summary>A server of each peer, started once for all tests of a class.</summary>
public sealed class PeerServers : IAsyncLifetime
{
    private readonly Dictionary<string, PeerServer> _servers = [];

    public PeerServer this[string peer] => _servers[peer];

    public async ValueTask InitializeAsync()
    {
        foreach (var peer in Peer.All) _servers[peer.Name] = await peer.StartServerAsync("x.first", "x.second");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values) await server.DisposeAsync();
    }
}
