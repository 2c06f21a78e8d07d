using System.Buffers;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

/// <summary>Applications that were written for ASP.NET Core's own WebSockets run on ours.</summary>
public class WebSocketApplicationTests
{
    [Fact]
    public async Task The_loop_of_the_documentation_runs_on_it()
    {
        await using var server = await StartAsync();
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/echo", ("Sec-WebSocket-Protocol", "chat")));
        var response = await peer.ReadResponseAsync();
        (response.Status, response["Sec-WebSocket-Protocol"]).ShouldBe((101, "chat"));
        await peer.SendAsync(MaskedFrame.Text("hello"));
        (await peer.ReadFrameAsync()).Text.ShouldBe("hello");
        await peer.SendAsync(MaskedFrame.Close(1000, "bye"));
        (await peer.ReadCloseAsync()).ShouldBe((1000, "bye"));
        await peer.ShouldEndAsync();
        (await server.Log.WaitForAsync("Closed")).Single().Message.ShouldEndWith("closed by the peer with 1000: bye");
    }

    [Fact]
    public async Task A_handler_that_returns_without_closing_is_closed_behind()
    {
        await using var server = await StartAsync();
        using var peer = await server.OpenAsync("/leave");
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
    }

    [Fact]
    public async Task Another_origin_is_refused_before_the_application_is_asked()
    {
        await using var server = await StartAsync();
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/echo", ("Origin", "https://elsewhere.example")));
        (await peer.ReadResponseAsync()).Status.ShouldBe(403);
        (await server.Log.WaitForAsync("Refused")).Single().Message.ShouldContain("on /echo refused with 403");
    }

    [Fact]
    public async Task A_plain_request_goes_its_way()
    {
        await using var server = await StartAsync();
        using var client = new HttpClient();
        using var response = await client.GetAsync(new Uri($"http://127.0.0.1:{server.Port}/echo"));
        ((int)response.StatusCode).ShouldBe(400);
        (await response.Content.ReadAsStringAsync()).ShouldBe("a WebSocket is wanted");
    }

    [Fact]
    public async Task When_the_host_stops_open_sockets_are_closed_with_1001()
    {
        var server = await StartAsync();
        using var peer = await server.OpenAsync("/echo");
        var stopping = server.StopAsync();
        (await peer.ReadCloseAsync()).Code.ShouldBe(1001);
        await peer.SendAsync(MaskedFrame.Close(1001));
        await stopping;
        await server.DisposeAsync();
    }

    [Fact]
    public async Task SignalR_runs_on_it_with_our_client()
    {
        await using var server = await StartAsync();
        await using var connection = await WebSocketClient.ConnectAsync($"ws://127.0.0.1:{server.Port}/hub");
        using var socket = connection.AsWebSocket();
        var messages = new HubMessages(socket);
        await messages.SendAsync("""{"protocol":"json","version":1}""");
        (await messages.ReadAsync()).ShouldBe("{}");
        await messages.SendAsync("""{"type":1,"invocationId":"1","target":"Shout","arguments":["hello"]}""");
        (await messages.ReadAsync()).ShouldBe("""{"type":3,"invocationId":"1","result":"HELLO"}""");
        await messages.SendAsync("""{"type":1,"target":"Tell","arguments":["news"]}""");
        (await messages.ReadAsync()).ShouldBe("""{"type":1,"target":"told","arguments":["news"]}""");
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", default).WaitAsync(RawPeer.Guard);
        socket.State.ShouldBe(WebSocketState.Closed);
    }

    private static Task<RunningServer> StartAsync() => RunningServer.StartAsync(
        app =>
        {
            app.UseSluiceWebSockets();
            app.Map("/echo", EchoAsync);
            app.Map("/leave", (RequestDelegate)(async context => await context.WebSockets.AcceptWebSocketAsync()));
            app.MapHub<Talk>("/hub");
        },
        services: services => services.AddSignalR());

    private static async Task EchoAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("a WebSocket is wanted");
            return;
        }
        using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault());
        var buffer = new byte[1024 * 4];
        var result = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None);
        while (!result.CloseStatus.HasValue)
        {
            await socket.SendAsync(new ArraySegment<byte>(buffer, 0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None);
            result = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None);
        }
        await socket.CloseAsync(result.CloseStatus.Value, result.CloseStatusDescription, CancellationToken.None);
    }

    public sealed class Talk : Hub
    {
        public string Shout(string text) => text.ToUpperInvariant();

        public Task Tell(string text) => Clients.Caller.SendAsync("told", text);
    }

    // SignalR's JSON messages end with U+001E; a WebSocket message may carry several of them.
    private sealed class HubMessages(WebSocket socket)
    {
        private readonly byte[] _buffer = new byte[4096];
        private readonly StringBuilder _text = new();

        public Task SendAsync(string json)
            => socket.SendAsync(Encoding.UTF8.GetBytes(json + "\u001e").AsMemory(), WebSocketMessageType.Text, true, default).AsTask();

        public async Task<string> ReadAsync()
        {
            while (true)
            {
                var end = _text.ToString().IndexOf('\u001e', StringComparison.Ordinal);
                if (end >= 0)
                {
                    var message = _text.ToString(0, end);
                    _text.Remove(0, end + 1);
                    if (!message.Contains("\"type\":6", StringComparison.Ordinal)) return message; // its ping
                    continue;
                }
                var part = await socket.ReceiveAsync(_buffer.AsMemory(), default).AsTask().WaitAsync(RawPeer.Guard);
                part.MessageType.ShouldBe(WebSocketMessageType.Text);
                _text.Append(Encoding.UTF8.GetString(_buffer, 0, part.Count));
            }
        }
    }
}
