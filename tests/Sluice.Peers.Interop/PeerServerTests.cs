using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Sluice.Peers.Interop;

/// <summary>Every peer's server does what tests/Peers/README.md says, seen by .NET's own clients.</summary>
public sealed class PeerServerTests(PeerServers servers) : IClassFixture<PeerServers>
{
    private static readonly HttpClient Http = new() { Timeout = ProcessUnderTest.Guard };

    public static TheoryData<string> Peers => [.. Peer.All.Select(peer => peer.Name)];

    [Theory, MemberData(nameof(Peers))]
    public async Task Plain_HTTP_is_answered(string peer)
    {
        string body = await Http.GetStringAsync(servers[peer].HttpUrl("/hello"));

        body.ShouldBe($"hello from {peer}");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task An_unknown_path_is_not_found(string peer)
    {
        using HttpResponseMessage response = await Http.GetAsync(servers[peer].HttpUrl("/nowhere"));

        response.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task A_refused_upgrade_has_status_header_and_body(string peer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, servers[peer].HttpUrl("/refuse"));
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.ParseAdd("websocket");
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");

        using HttpResponseMessage response = await Http.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        response.Headers.GetValues("X-Reason").ShouldBe(["refused by the backend"]);
        (await response.Content.ReadAsStringAsync()).ShouldBe("not today\n");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task It_closes_with_the_code_and_reason_asked_for(string peer)
    {
        using ClientWebSocket socket = await ConnectAsync(servers[peer].WebSocketUrl("/close?code=4001&reason=bye"));

        await socket.ReceiveAsync(new byte[1], Deadline()).WaitAsync(Deadline());

        ((int?)socket.CloseStatus).ShouldBe(4001);
        socket.CloseStatusDescription.ShouldBe("bye");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task It_sends_early_right_behind_the_handshake(string peer)
    {
        using ClientWebSocket socket = await ConnectAsync(servers[peer].WebSocketUrl("/early"));

        (WebSocketMessageType type, byte[] data) = await ReceiveAsync(socket);

        type.ShouldBe(WebSocketMessageType.Text);
        Encoding.UTF8.GetString(data).ShouldBe("early");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task It_tells_the_headers_that_it_got(string peer)
    {
        using ClientWebSocket socket = await ConnectAsync(
            servers[peer].WebSocketUrl("/headers"), options => options.SetRequestHeader("X-Trace", "42"));

        (_, byte[] data) = await ReceiveAsync(socket);

        var headers = JsonSerializer.Deserialize<Dictionary<string, string>>(data)!;
        headers["x-trace"].ShouldBe("42");
        headers["host"].ShouldBe($"127.0.0.1:{servers[peer].Port}");
        headers["sec-websocket-version"].ShouldBe("13");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Its_own_order_of_subprotocols_decides(string peer)
    {
        using ClientWebSocket socket = await ConnectAsync(servers[peer].WebSocketUrl("/echo"), options =>
        {
            options.AddSubProtocol("x.second");
            options.AddSubProtocol("x.first");
        });

        socket.SubProtocol.ShouldBe("x.first");
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task Messages_of_two_mebibytes_come_back(string peer)
    {
        using ClientWebSocket socket = await ConnectAsync(servers[peer].WebSocketUrl("/echo"));
        byte[] sent = RandomNumberGenerator.GetBytes(2 * 1024 * 1024);

        Task<(WebSocketMessageType Type, byte[] Data)> receiving = ReceiveAsync(socket);
        await socket.SendAsync(sent, WebSocketMessageType.Binary, endOfMessage: true, Deadline());

        (WebSocketMessageType type, byte[] data) = await receiving;
        type.ShouldBe(WebSocketMessageType.Binary);
        data.AsSpan().SequenceEqual(sent).ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task It_ends_with_its_stdin(string peer)
    {
        await using PeerServer server = await Peer.Named(peer).StartServerAsync();
        using ClientWebSocket socket = await ConnectAsync(server.WebSocketUrl("/echo"));

        server.Process.Input.Close();

        (await server.Process.WaitForExitAsync()).ShouldBe(0);
    }

    [Theory, MemberData(nameof(Peers))]
    public async Task It_ends_on_SIGTERM(string peer)
    {
        await using PeerServer server = await Peer.Named(peer).StartServerAsync();
        using ClientWebSocket socket = await ConnectAsync(server.WebSocketUrl("/echo"));

        server.Process.Terminate();

        (await server.Process.WaitForExitAsync()).ShouldBe(0);
    }

    private static CancellationToken Deadline() => new CancellationTokenSource(ProcessUnderTest.Guard).Token;

    private static async Task<ClientWebSocket> ConnectAsync(Uri url, Action<ClientWebSocketOptions>? configure = null)
    {
        var socket = new ClientWebSocket();
        configure?.Invoke(socket.Options);
        await socket.ConnectAsync(url, Deadline());
        return socket;
    }

    private static async Task<(WebSocketMessageType Type, byte[] Data)> ReceiveAsync(ClientWebSocket socket)
    {
        byte[] buffer = new byte[4 * 1024 * 1024];
        int length = 0;
        while (true)
        {
            WebSocketReceiveResult result = await socket.ReceiveAsync(
                new ArraySegment<byte>(buffer, length, buffer.Length - length), Deadline());
            length += result.Count;
            if (result.EndOfMessage) return (result.MessageType, buffer[..length]);
        }
    }
}
