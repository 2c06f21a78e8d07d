using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

public class RefusalTests
{
    // What is behind a refused request must not be answered, or a proxy that took it for a tunnel is fooled.
    private const string Smuggled = "GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n";

    public static TheoryData<string, string, string?, int, string, string> Refused => new()
    {
        { "Upgrade", "Upgrade", null, 426, "Upgrade must contain \"websocket\"", "Upgrade, close" },
        { "Upgrade", "Upgrade", "h2c", 426, "it is \"h2c\"", "Upgrade, close" },
        { "Connection", "Connection", "keep-alive", 400, "Connection must contain \"Upgrade\"", "close" },
        { "Version", "Sec-WebSocket-Version", "8", 426, "Sec-WebSocket-Version must be 13", "Upgrade, close" },
        { "Version", "Sec-WebSocket-Version", null, 426, "it is missing", "Upgrade, close" },
        { "Key", "Sec-WebSocket-Key", "c2hvcnQ=", 400, "Sec-WebSocket-Key must be 16 bytes in base64", "close" },
        { "Subprotocols", "Sec-WebSocket-Protocol", "a b", 400, "Sec-WebSocket-Protocol", "close" },
        { "Extensions", "Sec-WebSocket-Extensions", ";", 400, "Sec-WebSocket-Extensions", "close" },
        { "Origin", "Origin", "https://evil.example", 403, "origin \"https://evil.example\" may not connect", "close" },
        { "Body", "Content-Length", "5", 400, "has no body", "close" },
        { "Body", "Transfer-Encoding", "chunked", 400, "has no body", "close" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_refusal_tells_why_and_ends_the_connection(
        string reason, string header, string? value, int status, string message, string connection)
    {
        var reached = false;
        using var counted = new Counted("sluice.handshakes.refused");
        await using var server = await RunningServer.StartAsync(app =>
        {
            app.MapWebSocket("/ws", Echo.Handler);
            app.MapGet("/secret", (RequestDelegate)(context =>
            {
                reached = true;
                return context.Response.WriteAsync("secret");
            }));
        });
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", (header, value)) + (reason == "Body" ? "0\r\n\r\n" : "") + Smuggled);
        var response = await peer.ReadResponseAsync();
        response.Status.ShouldBe(status);
        response["Connection"].ShouldBe(connection);
        response["Content-Type"].ShouldBe("text/plain; charset=utf-8");
        response["Sec-WebSocket-Version"].ShouldBe(reason == "Version" ? "13" : null);
        response["Upgrade"].ShouldBe(status == 426 ? "websocket" : null);
        response["Sec-WebSocket-Accept"].ShouldBeNull();
        response.Body.ShouldContain(message);
        response.Body.ShouldEndWith("\n");
        await peer.ShouldEndAsync();
        reached.ShouldBeFalse();
        counted.Counts.ShouldBe(new Dictionary<string, long> { [reason] = 1 });
        var line = server.Log.OfSluice.ShouldHaveSingleItem();
        line.Level.ShouldBe(LogLevel.Information);
        line.Message.ShouldBe($"handshake from 127.0.0.1 on /ws refused with {status}: {response.Body.TrimEnd('\n')}");
    }

    [Theory]
    [InlineData("POST", "Content-Length: 5\r\n", "hello")]
    [InlineData("HEAD", "", "")]
    [InlineData("DELETE", "", "")]
    public async Task Another_method_than_get_is_not_allowed(string method, string header, string body)
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync($"{method} /ws HTTP/1.1\r\nHost: localhost\r\n{header}\r\n{body}");
        var head = await peer.ReadResponseHeadAsync();
        head.Status.ShouldBe(405);
        head["Allow"].ShouldBe("GET");
        head["Connection"].ShouldBe("close");
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task Http_1_0_is_refused()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws").Replace("HTTP/1.1", "HTTP/1.0", StringComparison.Ordinal));
        (await peer.ReadResponseAsync()).Status.ShouldBe(400);
        await peer.ShouldEndAsync();
    }

    [Fact]
    public async Task Frames_behind_a_refused_handshake_are_not_taken_for_requests()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(
            [.. System.Text.Encoding.ASCII.GetBytes(Handshakes.Request(server.Port, "/ws", ("Origin", "https://evil.example"))), .. MaskedFrame.Text("hello")]);
        (await peer.ReadResponseAsync()).Status.ShouldBe(403);
        await peer.ShouldEndAsync();
    }

    [Fact]
    public async Task OnRefused_writes_the_response()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler, new WebSocketEndpointOptions
        {
            OnRefused = (context, refusal) =>
            {
                context.Response.StatusCode = 418;
                context.Response.ContentLength = refusal.Reason.ToString().Length;
                return context.Response.WriteAsync(refusal.Reason.ToString());
            },
        }));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Sec-WebSocket-Version", "7")) + Smuggled);
        var response = await peer.ReadResponseAsync();
        response.Status.ShouldBe(418);
        response.Body.ShouldBe("Version");
        response["Sec-WebSocket-Version"].ShouldBe("13");
        await peer.ShouldEndAsync();
    }

    [Fact]
    public async Task The_server_s_limit_of_upgraded_connections_is_503()
    {
        using var counted = new Counted("sluice.handshakes.refused");
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/ws", Echo.Handler, new WebSocketEndpointOptions { Subprotocols = ["chat"] }),
            limits: limits => limits.MaxConcurrentUpgradedConnections = 1);
        using (var first = await server.OpenAsync())
        {
            using var second = await server.ConnectAsync();
            await second.SendAsync(Handshakes.Request(server.Port, "/ws", ("Sec-WebSocket-Protocol", "chat")) + Smuggled);
            var response = await second.ReadResponseAsync();
            response.Status.ShouldBe(503);
            response.Headers.Select(header => header.Name).Where(name => name != "Date").ShouldBe(["Content-Length", "Content-Type", "Connection", "Retry-After"], ignoreOrder: true);
            response.Body.ShouldContain("try again later");
            await second.ShouldEndAsync();
            counted.Counts.ShouldBe(new Dictionary<string, long> { ["Capacity"] = 1 });
            await first.SendAsync(MaskedFrame.Close(1000));
            (await first.ReadCloseAsync()).Code.ShouldBe(1000);
            await first.ShouldEndAsync();
        }
        // The log line of the first one's end comes before its place is free: ask until it is.
        await server.Log.WaitForAsync("Closed");
        for (var status = 0; status != 101;)
        {
            using var third = await server.ConnectAsync();
            await third.SendAsync(Handshakes.Request(server.Port, "/ws"));
            status = (await third.ReadResponseAsync()).Status;
            status.ShouldBeOneOf(101, 503);
        }
    }
}
