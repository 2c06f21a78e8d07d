using Sluice.Peers;

namespace Sluice.Interop;

/// <summary>Every peer, and every scenario that its client can play.</summary>
public static class Matrix
{
    private static readonly string[] Scenarios = ["echo", "fragments", "ping", "close", "subprotocol x.second", "burst"];

    public static TheoryData<string> Peers => [.. Peer.All.Select(peer => peer.Name)];

    public static TheoryData<string, string> PeersAndScenarios
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var peer in Peer.All)
            {
                foreach (var scenario in Scenarios.Where(peer.CanPlay)) data.Add(peer.Name, scenario);
            }
            return data;
        }
    }
}
