using System.Text;
using Sluice.Peers;

namespace Sluice.Interop;

/// <summary>Our proxy in front of other people's servers, under other people's clients and ours.</summary>
public sealed class ProxyTests(ProxyTests.Proxies proxies) : IClassFixture<ProxyTests.Proxies>
{
    private static readonly HttpClient Http = new() { Timeout = ProcessUnderTest.Guard };

    public static TheoryData<string> Peers => Matrix.Peers;

    [Theory, MemberData(nameof(Matrix.PeersAndScenarios), MemberType = typeof(Matrix))]
    public async Task A_peer_is_served_through_the_proxy(string peer, string scenario)
    {
        var result = await Peer.Named(peer).RunClientAsync(proxies[peer].WebSocketUrl("/echo"), scenario);
        result.ExitCode.ShouldBe(0, result.ToString());
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Plain_http_passes(string peer)
        => (await Http.GetStringAsync(proxies[peer].HttpUrl("/hello"))).ShouldBe($"hello from {peer}");

    [Theory, MemberData(nameof(Peers))]
    public async Task A_refusal_reaches_the_client_as_it_is(string peer)
    {
        var refusal = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(proxies[peer].WebSocketUrl("/refuse")));
        refusal.Status.ShouldBe(403);
        refusal.Headers["X-Reason"].ShouldBe(["refused by the backend"]);
        Encoding.UTF8.GetString(refusal.Body.Span).ShouldBe("not today\n");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_message_right_behind_the_handshake_is_not_lost(string peer)
    {
        await using var socket = await WebSocketClient.ConnectAsync(proxies[peer].WebSocketUrl("/early"));
        using var message = await socket.ReceiveAsync().AsTask().WaitAsync(ProcessUnderTest.Guard);
        message.Text.ShouldBe("early");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_close_by_the_backend_is_told(string peer)
    {
        await using var socket = await WebSocketClient.ConnectAsync(proxies[peer].WebSocketUrl("/close?code=4001&reason=bye"));
        var result = await socket.Closed.WaitAsync(ProcessUnderTest.Guard);
        ((int)result.Code).ShouldBe(4001);
        result.Reason.ShouldBe("bye");
    }

    public sealed class Proxies : IAsyncLifetime
    {
        private readonly Dictionary<string, Command> _proxies = [];
        private readonly PeerServers _servers = new();

        internal Command this[string peer] => _proxies[peer];

        public async ValueTask InitializeAsync()
        {
            await _servers.InitializeAsync();
            foreach (var peer in Peer.All) _proxies[peer.Name] = await Command.ProxyAsync(_servers[peer.Name].HttpUrl("/"));
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var proxy in _proxies.Values) await proxy.DisposeAsync();
            await _servers.DisposeAsync();
        }
    }
}
