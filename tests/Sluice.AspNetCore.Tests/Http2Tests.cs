using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

/// <summary>RFC 8441, with the framework's client.</summary>
public class Http2Tests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Section_5_a_socket_is_one_stream_of_the_connection(bool tls)
    {
        await using var server = await StartAsync(tls, app =>
        {
            app.MapWebSocket("/ws", Echo.Handler, new WebSocketEndpointOptions { Subprotocols = ["chat"] });
            app.MapGet("/", (RequestDelegate)(context => context.Response.WriteAsync(context.Request.Protocol)));
        });
        using var accepted = new Counted("sluice.handshakes.accepted");
        using var invoker = CreateInvoker();
        using var one = await ConnectAsync(server, invoker, tls, subprotocol: "chat");
        using var two = await ConnectAsync(server, invoker, tls);
        one.HttpStatusCode.ShouldBe(HttpStatusCode.OK);
        one.SubProtocol.ShouldBe("chat");
        two.SubProtocol.ShouldBeNull();
        foreach (var size in new[] { 0, 1, 126, 65536, 1024 * 1024 })
        {
            foreach (var socket in new[] { one, two }) await EchoAsync(socket, size);
        }
        using var get = new HttpRequestMessage(HttpMethod.Get, Address(server, tls ? "https" : "http", "/")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await invoker.SendAsync(get, CancellationToken.None).WaitAsync(RawPeer.Guard);
        (await response.Content.ReadAsStringAsync()).ShouldBe("HTTP/2");
        await one.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None).WaitAsync(RawPeer.Guard);
        one.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
        await EchoAsync(two, 10);
        var opened = await server.Log.WaitForAsync("Opened", 2);
        accepted.Counts.ShouldBe(new Dictionary<string, long> { ["2"] = 2 });
        opened.ShouldAllBe(line => line.Message.Contains("over HTTP/2", StringComparison.Ordinal));
        opened.Select(line => line.Message.Split(' ')[0]).Distinct().Count().ShouldBe(2);
        (await server.Log.WaitForAsync("Closed"))[0].Message.ShouldEndWith("closed by the peer with 1000: done");
    }

    [Fact]
    public async Task Limits_of_requests_do_not_hold_for_sockets()
    {
        await using var server = await StartAsync(
            tls: false, app => app.MapWebSocket("/ws", Echo.Handler), limits: limits => limits.MaxRequestBodySize = 1000);
        using var invoker = CreateInvoker();
        using var socket = await ConnectAsync(server, invoker, tls: false);
        for (var i = 0; i < 3; i++) await EchoAsync(socket, 1000);
    }

    [Fact]
    public async Task A_slow_socket_is_not_a_slow_request()
    {
        // Kestrel looks once a second; a body that comes more slowly than the rate ends the request.
        var options = new WebSocketEndpointOptions { Connection = new ConnectionOptions { KeepAliveInterval = TimeSpan.FromSeconds(1) } };
        var pongs = new Pongs();
        await using var server = await StartAsync(
            tls: false,
            app => app.MapWebSocket("/ws", pongs, options),
            limits: limits => limits.MinRequestBodyDataRate = new MinDataRate(100_000, TimeSpan.FromMilliseconds(1001)));
        using var invoker = CreateInvoker();
        using var socket = await ConnectAsync(server, invoker, tls: false);
        var receiving = socket.ReceiveAsync(new byte[64], CancellationToken.None);
        await pongs.Fourth.WaitAsync(RawPeer.Guard);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None);
        (await receiving.WaitAsync(RawPeer.Guard)).MessageType.ShouldBe(WebSocketMessageType.Close);
    }

    [Theory]
    [InlineData("GET", null, "13", null, HttpStatusCode.MethodNotAllowed, "opened with CONNECT")]
    [InlineData("CONNECT", "websocket", "8", null, HttpStatusCode.BadRequest, "Sec-WebSocket-Version must be 13")]
    [InlineData("CONNECT", "connect-udp", "13", null, HttpStatusCode.NotImplemented, ":protocol must be")]
    [InlineData("CONNECT", "websocket", "13", "https://evil.example", HttpStatusCode.Forbidden, "may not connect")]
    public async Task A_refusal_tells_why(string method, string? protocol, string version, string? origin, HttpStatusCode status, string message)
    {
        using var counted = new Counted("sluice.handshakes.refused");
        await using var server = await StartAsync(tls: false, app => app.MapWebSocket("/ws", Echo.Handler));
        using var invoker = CreateInvoker();
        using var request = new HttpRequestMessage(HttpMethod.Parse(method), Address(server, "http", "/ws")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Protocol = protocol;
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", version);
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin);
        using var response = await invoker.SendAsync(request, CancellationToken.None).WaitAsync(RawPeer.Guard);
        response.StatusCode.ShouldBe(status);
        await server.Log.WaitForAsync("Refused");
        server.Log.OfSluice.ShouldHaveSingleItem().Message.ShouldContain(message);
        counted.Counts.Values.ShouldHaveSingleItem().ShouldBe(1);
    }

    [Fact]
    public async Task The_stream_ends_with_the_socket_while_the_handler_still_runs()
    {
        var finish = new TaskCompletionSource();
        await using var server = await StartAsync(tls: false, app => app.MapWebSocket("/ws", _ => finish.Task));
        using var invoker = CreateInvoker();
        await using var stream = await OpenStreamAsync(server, invoker);
        await stream.WriteAsync(MaskedFrame.Close(1000));
        await stream.FlushAsync();
        var answer = new byte[4];
        await stream.ReadExactlyAsync(answer).AsTask().WaitAsync(RawPeer.Guard);
        answer.ShouldBe(new byte[] { 0x88, 2, 0x03, 0xe8 });
        (await stream.ReadAsync(answer).AsTask().WaitAsync(RawPeer.Guard)).ShouldBe(0);
        finish.SetResult();
        await server.Log.WaitForAsync("Closed");
    }

    [Fact]
    public async Task Section_5_an_abort_resets_the_stream_with_CANCEL()
    {
        await using var server = await StartAsync(tls: false, app => app.MapWebSocket("/ws", async connection =>
        {
            using var message = await connection.ReceiveAsync();
            connection.Abort();
        }));
        using var invoker = CreateInvoker();
        await using var stream = await OpenStreamAsync(server, invoker);
        await stream.WriteAsync(MaskedFrame.Text("go"));
        await stream.FlushAsync();
        var reset = await Should.ThrowAsync<HttpProtocolException>(async () => await stream.ReadAsync(new byte[10]).AsTask().WaitAsync(RawPeer.Guard));
        reset.ErrorCode.ShouldBe(8);
        (await server.Log.WaitForAsync("ClosedAbnormally"))[0].Message.ShouldContain("closed by this side with 1006: aborted");
    }

    [Theory]
    [InlineData("RST_STREAM")]
    [InlineData("the connection")]
    public async Task A_client_that_vanishes_is_one_line_in_the_log(string what)
    {
        await using var server = await StartAsync(tls: false, app => app.MapWebSocket("/ws", Echo.Handler));
        var invoker = CreateInvoker();
        var socket = await ConnectAsync(server, invoker, tls: false);
        await EchoAsync(socket, 5);
        if (what == "the connection") invoker.Dispose();
        socket.Abort();
        (await server.Log.WaitForAsync("ClosedAbnormally")).ShouldHaveSingleItem().Error.ShouldBeNull();
        server.Log.OfSluice.ShouldHaveSingleItem();
        socket.Dispose();
        invoker.Dispose();
    }

    [Fact]
    public async Task A_stop_closes_sockets_with_1001()
    {
        await using var server = await StartAsync(tls: true, app => app.MapWebSocket("/ws", Echo.Handler));
        using var invoker = CreateInvoker();
        using var socket = await ConnectAsync(server, invoker, tls: true);
        await EchoAsync(socket, 5);
        var stopped = server.StopAsync();
        var received = await socket.ReceiveAsync(new byte[10], CancellationToken.None).WaitAsync(RawPeer.Guard);
        received.CloseStatus.ShouldBe(WebSocketCloseStatus.EndpointUnavailable);
        received.CloseStatusDescription.ShouldBe("the server is shutting down");
        await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "", CancellationToken.None);
        await stopped;
        server.Log.OfSluice.Count(line => line.Id.Name == "Closed").ShouldBe(1);
    }

    [Fact]
    public async Task A_violation_is_answered_with_its_close_code_and_costs_the_other_streams_nothing()
    {
        await using var server = await StartAsync(tls: false, app => app.MapWebSocket("/ws", Echo.Handler));
        using var invoker = CreateInvoker();
        using var other = await ConnectAsync(server, invoker, tls: false);
        for (var i = 0; i < 20; i++)
        {
            await using var stream = await OpenStreamAsync(server, invoker);
            await stream.WriteAsync(MaskedFrame.Of(0xc1, [1]));
            await stream.WriteAsync(MaskedFrame.Binary(new byte[100_000]));
            await stream.FlushAsync();
            var head = new byte[4];
            await stream.ReadExactlyAsync(head).AsTask().WaitAsync(RawPeer.Guard);
            head[0].ShouldBe((byte)0x88);
            ((head[2] << 8) | head[3]).ShouldBe(1002);
        }
        await EchoAsync(other, 100);
        server.Log.OfSluice.ShouldNotContain(line => line.Level >= LogLevel.Warning);
    }

    private static Task<RunningServer> StartAsync(bool tls, Action<WebApplication> map, Action<KestrelServerLimits>? limits = null)
        => RunningServer.StartAsync(
            map,
            options =>
            {
                options.Protocols = tls ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http2;
                if (tls) options.UseHttps(TestCertificate.Instance);
            },
            limits);

    private static HttpMessageInvoker CreateInvoker()
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = TestCertificate.IsKnown;
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }

    private static Uri Address(RunningServer server, string scheme, string path) => new($"{scheme}://localhost:{server.Port}{path}");

    private static async Task<ClientWebSocket> ConnectAsync(RunningServer server, HttpMessageInvoker invoker, bool tls, string? subprotocol = null)
    {
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        socket.Options.CollectHttpResponseDetails = true;
        if (subprotocol is not null) socket.Options.AddSubProtocol(subprotocol);
        await socket.ConnectAsync(Address(server, tls ? "wss" : "ws", "/ws"), invoker, CancellationToken.None).WaitAsync(RawPeer.Guard);
        return socket;
    }

    // An accepted extended CONNECT as a stream of bytes.
    private static async Task<Stream> OpenStreamAsync(RunningServer server, HttpMessageInvoker invoker)
    {
        var request = new HttpRequestMessage(HttpMethod.Connect, Address(server, "http", "/ws")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Protocol = "websocket";
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
        var response = await invoker.SendAsync(request, CancellationToken.None).WaitAsync(RawPeer.Guard);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await response.Content.ReadAsStreamAsync();
    }

    private static async Task EchoAsync(ClientWebSocket socket, int size)
    {
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        var sending = socket.SendAsync(payload, WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
        var received = new MemoryStream();
        var buffer = new byte[16 * 1024];
        WebSocketReceiveResult result;
        do
        {
            result = await socket.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(RawPeer.Guard);
            received.Write(buffer, 0, result.Count);
        }
        while (!result.EndOfMessage);
        await sending.WaitAsync(RawPeer.Guard);
        result.MessageType.ShouldBe(WebSocketMessageType.Binary);
        received.ToArray().AsSpan().SequenceEqual(payload).ShouldBeTrue();
    }

    private sealed class Pongs : IWebSocketHandler
    {
        private readonly TaskCompletionSource _fourth = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _count;

        public Task Fourth => _fourth.Task;

        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload) => default;

        public void OnPong(WebSocketConnection connection, ReadOnlySpan<byte> payload)
        {
            if (Interlocked.Increment(ref _count) == 4) _fourth.TrySetResult();
        }
    }
}
