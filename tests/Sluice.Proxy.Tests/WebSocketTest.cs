#pragma warning disable CA5359 // the certificates here are our own
using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

/// <summary>The platform's client through the proxy to the platform's server.</summary>
public class WebSocketTest
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(1024 * 1024)]
    public async Task Messages_of_any_size_pass_both_ways(int size)
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map);
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var socket = await ConnectAsync(proxy, "/echo");
        var message = RandomNumberGenerator.GetBytes(size);
        (await WebSocketBackend.RoundTripAsync(socket, message, WebSocketMessageType.Binary)).ShouldBe(message);
        message = Encoding.ASCII.GetBytes(new string('ä', size / 2));
        (await WebSocketBackend.RoundTripAsync(socket, message, WebSocketMessageType.Text)).ShouldBe(message);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None).Guarded();
    }

    [Fact]
    public async Task Many_sockets_at_once_keep_their_messages_apart_and_in_order()
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map);
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async n =>
        {
            using var socket = await ConnectAsync(proxy, "/echo");
            for (var i = 0; i < 50; i++)
            {
                var message = Encoding.ASCII.GetBytes($"{n}:{i}:{new string('x', i * 37)}");
                (await WebSocketBackend.RoundTripAsync(socket, message, WebSocketMessageType.Text)).ShouldBe(message);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).Guarded();
        }));
        proxy.Metrics["sluice.proxy.upgrades/accepted"].ShouldBe(50);
        proxy.Metrics["sluice.proxy.requests/101"].ShouldBeLessThanOrEqualTo(50);
    }

    [Fact]
    public async Task The_subprotocol_and_the_close_code_pass_and_one_line_tells_of_the_tunnel()
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map);
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var socket = await ConnectAsync(proxy, "/echo", o =>
        {
            o.AddSubProtocol("one");
            o.AddSubProtocol("two");
        });
        socket.SubProtocol.ShouldBe("two");
        await socket.CloseAsync((WebSocketCloseStatus)4000, "reason", CancellationToken.None).Guarded();
        socket.CloseStatus.ShouldBe((WebSocketCloseStatus)4000);
        socket.CloseStatusDescription.ShouldBe("reason");
        (await proxy.Log.WaitAsync(7)).Text.ShouldStartWith("/echo: tunnel ended (BackendClosed) after ");
        proxy.Log.Ours.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_close_that_the_backend_begins_reaches_the_client()
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map);
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var socket = await ConnectAsync(proxy, "/bye");
        await socket.SendAsync("hi"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        var read = await socket.ReceiveAsync(new byte[100].AsMemory(), CancellationToken.None).AsTask().Guarded();
        read.MessageType.ShouldBe(WebSocketMessageType.Close);
        socket.CloseStatus.ShouldBe((WebSocketCloseStatus)4001);
        await socket.CloseAsync((WebSocketCloseStatus)4001, null, CancellationToken.None).Guarded();
    }

    [Fact]
    public async Task TLS_on_both_sides_passes_messages_and_closes()
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map, listen: l => l.UseHttps(TestCertificate.Instance));
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { InsecureBackend = true }, listen: l => l.UseHttps(TestCertificate.Instance));
        using var socket = await ConnectAsync(proxy, "/echo", o => o.RemoteCertificateValidationCallback = (_, _, _, _) => true);
        var message = RandomNumberGenerator.GetBytes(1024 * 1024);
        (await WebSocketBackend.RoundTripAsync(socket, message, WebSocketMessageType.Binary)).ShouldBe(message);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).Guarded();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(BackendClosed)");
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_gives_502()
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map, listen: l => l.UseHttps(TestCertificate.Instance));
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        var (head, body) = await proxy.AskAsync("GET /x HTTP/1.1");
        head.Start.ShouldBe("HTTP/1.1 502 Bad Gateway");
        body.ShouldBe("502: the TLS handshake with the backend failed\n");
        proxy.Metrics["sluice.proxy.failures/tls"].ShouldBe(1);
    }

    [Fact]
    public async Task An_extended_CONNECT_on_HTTP2_becomes_an_upgrade_RFC8441()
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map);
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { MaxRequestBodySize = 10 }, listen: l => l.Protocols = HttpProtocols.Http2);
        using var handler = new SocketsHttpHandler();
        using var invoker = new HttpMessageInvoker(handler);
        foreach (var size in new[] { 1, 1024 * 1024 })
        {
            using var socket = new ClientWebSocket { Options = { HttpVersion = HttpVersion.Version20, HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact } };
            socket.Options.AddSubProtocol("one");
            await socket.ConnectAsync(UrlOf(proxy, "/echo"), invoker, CancellationToken.None).Guarded();
            socket.SubProtocol.ShouldBe("one");
            var message = RandomNumberGenerator.GetBytes(size);
            (await WebSocketBackend.RoundTripAsync(socket, message, WebSocketMessageType.Binary)).ShouldBe(message);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).Guarded();
        }

        proxy.Metrics["sluice.proxy.upgrades/accepted"].ShouldBe(2);
        proxy.Log.All.ShouldNotContain(l => l.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
    }

    [Fact]
    public async Task A_refusal_reaches_a_client_on_HTTP2()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, listen: l => l.Protocols = HttpProtocols.Http2);
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
        using var socket = new ClientWebSocket { Options = { HttpVersion = HttpVersion.Version20, HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact, CollectHttpResponseDetails = true } };
        var answering = backend.AnswerAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        await Should.ThrowAsync<WebSocketException>(() => socket.ConnectAsync(UrlOf(proxy, "/echo"), invoker, CancellationToken.None).Guarded());
        socket.HttpStatusCode.ShouldBe(HttpStatusCode.Forbidden);
        var head = await answering;
        head.Start.ShouldBe("GET /echo HTTP/1.1");
        head["Sec-WebSocket-Key"]!.Length.ShouldBe(24);
        head["Upgrade"].ShouldBe("websocket");
    }

    [Fact]
    public async Task Raw_transport_and_stream_give_the_same_where_a_server_has_streams_only()
    {
        await using var backend = await TestHost.StartAsync(WebSocketBackend.Map);
        await using var proxy = await TestHost.StartAsync(app =>
        {
            Microsoft.AspNetCore.Builder.UseExtensions.Use(app, (context, next) =>
            {
                context.Features.Set<Microsoft.AspNetCore.Connections.Features.IConnectionTransportFeature>(null);
                return next(context);
            });
            app.MapProxy("/{**path}", backend.Url);
        });
        using var socket = await ConnectAsync(proxy, "/echo");
        var message = RandomNumberGenerator.GetBytes(1024 * 1024);
        (await WebSocketBackend.RoundTripAsync(socket, message, WebSocketMessageType.Binary)).ShouldBe(message);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).Guarded();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(BackendClosed)");
    }

    internal static async Task<ClientWebSocket> ConnectAsync(TestHost proxy, string path, Action<ClientWebSocketOptions>? configure = null)
    {
        var socket = new ClientWebSocket();
        configure?.Invoke(socket.Options);
        await socket.ConnectAsync(UrlOf(proxy, path), CancellationToken.None).Guarded();
        return socket;
    }

    private static Uri UrlOf(TestHost proxy, string path) => new(proxy.Url.Replace("http", "ws", StringComparison.Ordinal) + path);
}
