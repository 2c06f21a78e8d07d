using System.Net;
using System.Net.Sockets;

namespace Sluice.Client.Tests;

/// <summary>Through an HTTP proxy, by CONNECT (RFC 6455 §4.1, RFC 9110 §9.3.6).</summary>
public sealed class ProxyTests(KestrelServer server) : IClassFixture<KestrelServer>, IDisposable
{
    private readonly RawServer _proxy = new();

    public void Dispose() => _proxy.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tunnel_carries_the_connection(bool secure)
    {
        using var handler = server.CreateTrustingHandler();
        handler.Proxy = new WebProxy($"http://127.0.0.1:{_proxy.Port}");
        var url = new Uri((secure ? server.SecureUrl : server.Url) + "/echo");
        var tunnelling = TunnelAsync();
        var connection = await WebSocketClient.ConnectAsync(url, new() { Handler = handler }).Guarding();
        await connection.SendAsync("through the tunnel").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("through the tunnel");
        (await connection.CloseAsync().Guarding()).WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
        (await tunnelling.Guarding()).ShouldStartWith($"CONNECT 127.0.0.1:{url.Port} HTTP/1.1\r\n");
    }

    [Fact]
    public async Task Credentials_are_given_to_a_proxy_that_asks()
    {
        using var handler = WebSocketClient.CreateHandler();
        handler.Proxy = new WebProxy($"http://127.0.0.1:{_proxy.Port}") { Credentials = new NetworkCredential("user", "secret") };
        var connecting = WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Handler = handler });
        using (var peer = await _proxy.AcceptAsync())
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
        var tunnelling = TunnelAsync();
        var connection = await connecting.Guarding();
        (await connection.CloseAsync().Guarding()).WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
        (await tunnelling.Guarding()).ShouldContain("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    public async Task The_option_alone_will_do(int major, int minor)
    {
        var tunnelling = TunnelAsync();
        var version = new Version(major, minor);
        var connection = await WebSocketClient.ConnectAsync(
            server.SecureUrl + "/echo",
            new() { Proxy = new WebProxy($"http://127.0.0.1:{_proxy.Port}"), Tls = server.Trust, HttpVersion = version }).Guarding();
        connection.HttpVersion.ShouldBe(version);
        (await connection.CloseAsync().Guarding()).WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
        (await tunnelling.Guarding()).ShouldStartWith("CONNECT ");
    }

    [Fact]
    public async Task A_proxy_whose_credentials_are_wrong_is_named()
    {
        var proxy = new WebProxy($"http://127.0.0.1:{_proxy.Port}") { Credentials = new NetworkCredential("user", "wrong") };
        var connecting = WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Proxy = proxy });
        const string Challenge = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        await _proxy.AnswerAsync(_ => Challenge);
        await _proxy.AnswerAsync(peer =>
        {
            peer.Values("Proxy-Authorization").ShouldBe(["Basic dXNlcjp3cm9uZw=="]);
            return Challenge;
        });
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.Proxy);
        error.Message.ShouldNotContain("wrong");
    }

    [Fact]
    public async Task A_handler_and_a_proxy_beside_it_contradict_each_other()
    {
        using var handler = WebSocketClient.CreateHandler();
        var options = new WebSocketClientOptions { Handler = handler, Proxy = new WebProxy() };
        var error = await Should.ThrowAsync<ArgumentException>(async () => await WebSocketClient.ConnectAsync(server.Url, options));
        error.Message.ShouldContain("set its Proxy");
    }

    [Fact]
    public async Task A_proxy_that_refuses_is_named()
    {
        using var handler = WebSocketClient.CreateHandler();
        handler.Proxy = new WebProxy($"http://127.0.0.1:{_proxy.Port}");
        var connecting = WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Handler = handler });
        var served = _proxy.AnswerAsync(_ => "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.Proxy);
        error.Status.ShouldBeNull("the server itself was not heard");
        error.Message.ShouldContain("403");
        error.Message.ShouldContain("(the proxy)");
        await served;
    }

    [Fact]
    public async Task A_proxy_that_is_not_there_is_named()
    {
        using var handler = WebSocketClient.CreateHandler();
        var port = _proxy.Port;
        _proxy.Dispose();
        handler.Proxy = new WebProxy($"http://127.0.0.1:{port}");
        var error = await Should.ThrowAsync<HandshakeException>(
            WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Handler = handler }).Guarding());
        error.Failure.ShouldBe(ConnectFailure.Proxy);
        error.Message.ShouldStartWith($"nothing listens on 127.0.0.1:{port} (the proxy)");
    }

    // One CONNECT, then bytes both ways until both sides have ended.
    private async Task<string> TunnelAsync()
    {
        using var client = await _proxy.AcceptAsync();
        var request = await client.ReadRequestAsync();
        var target = request.Split(' ')[1].Split(':');
        using var backend = new TcpClient();
        await backend.ConnectAsync(target[0], int.Parse(target[1], System.Globalization.CultureInfo.InvariantCulture));
        await client.SendAsync("HTTP/1.1 200 Connection Established\r\n\r\n");
        await Tunnel.RunAsync(client.Stream, backend.GetStream());
        return request;
    }
}
