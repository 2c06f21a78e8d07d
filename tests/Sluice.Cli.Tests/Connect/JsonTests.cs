using System.Text.Json;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class JsonTests(SharedServer shared)
{
    [Fact]
    public async Task Every_event_is_a_line()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl + "?token=secret", "--json", "--subprotocol", "chat");
        using var peer = await server.OpenAsync("Sec-WebSocket-Protocol: chat");
        var ping = (await peer.ReadFrameAsync()).ShouldNotBeNull();
        ping.Opcode.ShouldBe(RawPeer.Ping);
        await peer.SendAsync(RawPeer.Pong, ping.Payload);
        await peer.SendAsync(RawPeer.Pong, "nobody asked");
        await peer.SendAsync(RawPeer.Text, "zwölf \"quoted\" \x1b");
        await peer.SendAsync(RawPeer.Binary, [0, 1, 0xFF]);
        await peer.SendAsync(RawPeer.Ping, "four");
        (await peer.ReadFrameAsync())!.Opcode.ShouldBe(RawPeer.Pong);
        await process.Input.WriteAsync("typed\n");
        (await peer.ReadFrameAsync())!.Text.ShouldBe("typed");
        await peer.SendCloseAsync(4321, "enough");
        (await peer.ReadCloseAsync()).ShouldBe(4321);
        peer.Dispose();

        (await process.WaitForExitAsync()).ShouldBe(1);
        process.Error.Text.ShouldBeEmpty();
        process.Output.Text.ShouldNotContain("secret");
        var events = process.Output.Lines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        foreach (var one in events) one.GetProperty("time").GetDateTimeOffset().ShouldBeGreaterThan(DateTimeOffset.UtcNow.AddMinutes(-5));

        var connected = events[0];
        Name(connected).ShouldBe("connected");
        connected.GetProperty("url").GetString().ShouldBe(server.WebSocketUrl);
        connected.GetProperty("subprotocol").GetString().ShouldBe("chat");
        connected.GetProperty("status").GetInt32().ShouldBe(101);

        var pongs = events.Where(one => Name(one) == "pong").ToArray();
        pongs[0].GetProperty("rttMs").GetDouble().ShouldBeGreaterThan(0);
        pongs[1].TryGetProperty("rttMs", out _).ShouldBeFalse("it answers no ping of ours");

        var messages = events.Where(one => Name(one) == "message").ToArray();
        messages[0].GetProperty("type").GetString().ShouldBe("text");
        messages[0].GetProperty("size").GetInt32().ShouldBe(17);
        messages[0].GetProperty("text").GetString().ShouldBe("zwölf \"quoted\" \x1b");
        messages[1].GetProperty("type").GetString().ShouldBe("binary");
        messages[1].GetProperty("base64").GetBytesFromBase64().ShouldBe([0, 1, 0xFF]);

        events.Single(one => Name(one) == "ping").GetProperty("size").GetInt32().ShouldBe(4);
        var sent = events.Single(one => Name(one) == "sent");
        sent.GetProperty("type").GetString().ShouldBe("text");
        sent.GetProperty("size").GetInt32().ShouldBe(5);

        var closed = events[^1];
        Name(closed).ShouldBe("closed");
        closed.GetProperty("code").GetInt32().ShouldBe(4321);
        closed.GetProperty("reason").GetString().ShouldBe("enough");
        closed.GetProperty("clean").GetBoolean().ShouldBeTrue();
        closed.GetProperty("by").GetString().ShouldBe("peer");
        closed.GetProperty("rttMs").GetDouble().ShouldBe(pongs[0].GetProperty("rttMs").GetDouble());
    }

    [Fact]
    public async Task A_refusal_is_an_error_with_its_status()
    {
        var finished = await Command.RunAsync("connect", shared.Server.WebSocketUrl("/echo"), "--json", "--origin", "http://evil.example");

        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("403");
        var error = JsonDocument.Parse(finished.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem()).RootElement;
        Name(error).ShouldBe("error");
        error.GetProperty("kind").GetString().ShouldBe("Refused");
        error.GetProperty("status").GetInt32().ShouldBe(403);
        error.GetProperty("reason").GetString().ShouldBe("Forbidden");
        error.GetProperty("body").GetString().ShouldNotBeNull().ShouldContain("evil.example");
        error.GetProperty("message").GetString().ShouldNotBeNull().ShouldContain("403 Forbidden");
    }

    [Fact]
    public async Task Our_own_close_is_by_us()
    {
        var finished = await Command.RunWithInputAsync("hello\n", "connect", shared.Server.WebSocketUrl("/echo"), "--json", "--close-after", "1");

        finished.ExitCode.ShouldBe(0, finished.Error);
        var closed = JsonDocument.Parse(finished.Output.TrimEnd().Split('\n')[^1]).RootElement;
        closed.GetProperty("by").GetString().ShouldBe("us");
        closed.GetProperty("code").GetInt32().ShouldBe(1000);
        closed.GetProperty("rttMs").GetDouble().ShouldBeGreaterThan(0);
    }

    private static string? Name(JsonElement one) => one.GetProperty("event").GetString();
}
