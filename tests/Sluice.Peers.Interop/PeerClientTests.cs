using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sluice.Peers.Interop;

/// <summary>Every peer's client passes where it should, and fails where it should.</summary>
public sealed class PeerClientTests(PeerServers servers) : IClassFixture<PeerServers>
{
    private static readonly string[] Scenarios = ["echo", "fragments", "ping", "close", "subprotocol x.second", "burst"];

    public static TheoryData<string> Peers => [.. Peer.All.Select(peer => peer.Name)];

    public static TheoryData<string, string> Matrix =>
    [
        .. from peer in Peer.All
           from scenario in Scenarios
           where peer.CanPlay(scenario)
           select (peer.Name, scenario),
    ];

    [Theory, MemberData(nameof(Matrix))]
    public async Task Passes_against_its_own_server(string peer, string scenario)
    {
        PeerResult result = await Peer.Named(peer).RunClientAsync(servers[peer].WebSocketUrl("/echo"), scenario);

        result.ExitCode.ShouldBe(0, result.ToString());
        result.Output.ShouldStartWith("ok ");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Fails_when_the_upgrade_is_refused(string peer)
    {
        PeerResult result = await Peer.Named(peer).RunClientAsync(servers[peer].WebSocketUrl("/refuse"), "echo");

        result.ExitCode.ShouldBe(1, result.ToString());
        result.Error.ShouldContain("handshake refused with status 403");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Fails_when_the_server_closes_too_early(string peer)
    {
        Uri url = servers[peer].WebSocketUrl("/close?code=4001&reason=bye");

        PeerResult result = await Peer.Named(peer).RunClientAsync(url, "burst");

        result.ExitCode.ShouldBe(1, result.ToString());
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Fails_without_agreement_on_the_subprotocol(string peer)
    {
        PeerResult result =
            await Peer.Named(peer).RunClientAsync(servers[peer].WebSocketUrl("/echo"), "subprotocol x.strange");

        result.ExitCode.ShouldBe(1, result.ToString());
        result.Error.ShouldContain("subprotocol");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Fails_when_something_else_comes_than_its_echo(string peer)
    {
        // The first message at /early is not the echo of the client's first.
        PeerResult result = await Peer.Named(peer).RunClientAsync(servers[peer].WebSocketUrl("/early"), "echo");

        result.ExitCode.ShouldBe(1, result.ToString());
        result.Error.ShouldContain("came back changed");
    }

    [Fact]
    public async Task Says_so_when_it_cannot_play_a_scenario()
    {
        Uri url = servers[Peer.DotNet.Name].WebSocketUrl("/echo");

        PeerResult result = await Peer.DotNet.RunClientAsync(url, "ping");

        result.ShouldBe(new PeerResult(64, "unsupported\n", ""));
        Peer.DotNet.CanPlay("ping").ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Sends_origin_and_headers(string peer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port: 0);
        listener.Start();
        Task<string> request = RefuseAsync(listener);

        PeerResult result = await Peer.Named(peer).RunClientAsync(
            new Uri($"ws://{listener.LocalEndpoint}/"),
            "echo",
            "--origin", "http://example.test", "--header", "X-Trace: 42");

        string[] lines = (await request).Split("\r\n");
        lines.ShouldContain("Origin: http://example.test");
        lines.ShouldContain("X-Trace: 42");
        result.Error.ShouldContain("handshake refused with status 400");
    }

    /// <summary>Accepts a connection, reads the request's head and refuses it.</summary>
    private static async Task<string> RefuseAsync(TcpListener listener)
    {
        using var guard = new CancellationTokenSource(ProcessUnderTest.Guard);
        using TcpClient connection = await listener.AcceptTcpClientAsync(guard.Token);
        NetworkStream stream = connection.GetStream();
        byte[] buffer = new byte[8192];
        int length = 0;
        while (!buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            int count = await stream.ReadAsync(buffer.AsMemory(length), guard.Token);
            if (count == 0) throw new EndOfStreamException("the request ended before its empty line");
            length += count;
        }

        await stream.WriteAsync(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), guard.Token);
        return Encoding.ASCII.GetString(buffer, 0, length);
    }
}
