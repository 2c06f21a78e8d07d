using Sluice.Peers;

namespace Sluice.Interop;

/// <summary>Our server under other people's clients.</summary>
public sealed class ServerTests(ServerTests.Server server) : IClassFixture<ServerTests.Server>
{
    [Theory, MemberData(nameof(Matrix.PeersAndScenarios), MemberType = typeof(Matrix))]
    public async Task A_peer_is_served(string peer, string scenario)
    {
        var result = await Peer.Named(peer).RunClientAsync(server.Command.WebSocketUrl("/echo"), scenario);
        result.ExitCode.ShouldBe(0, result.ToString());
    }

    [Theory, MemberData(nameof(Matrix.Peers), MemberType = typeof(Matrix))]
    public async Task A_foreign_origin_is_refused(string peer)
    {
        var result = await Peer.Named(peer).RunClientAsync(server.Command.WebSocketUrl("/echo"), "close", "--origin", "https://evil.example");
        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain("403");
    }

    public sealed class Server : IAsyncLifetime
    {
        internal Command Command { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Command = await Command.ServeAsync("--subprotocol", "x.first", "--subprotocol", "x.second");

        public ValueTask DisposeAsync() => Command.DisposeAsync();
    }
}
