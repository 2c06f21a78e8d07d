using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Hostile.Support;

namespace Sluice.Hostile;

/// <summary>Attacks before there is a WebSocket.</summary>
public class HandshakeAttacks
{
    private const int MiB = 1024 * 1024;

    [Theory]
    [InlineData(true, "sent nothing for 00:00:01")]
    [InlineData(false, "stopped")]
    public async Task Connections_that_say_nothing_are_ended(bool direct, string line)
    {
        await using var target = await Target.StartAsync(
            kestrel: limits => limits.KeepAliveTimeout = TimeSpan.FromSeconds(1), kestrelLog: "Connections", direct: direct);
        var attackers = new List<Attacker>();
        for (var i = 0; i < 100; i++) attackers.Add(await Attacker.ConnectAsync(target.Port));
        target.Held.ShouldBeLessThan(4 * MiB);
        foreach (var attacker in attackers)
        {
            (await attacker.ReadToEndAsync()).ShouldBeEmpty();
            attacker.Dispose();
        }
        await target.CountsAsync("kestrel.connection.duration", "keep_alive_timeout", 100);
        await target.LogsAsync(line, 100);
        target.Held.ShouldBeLessThan(4 * MiB);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Handshakes_that_are_never_finished_are_ended(bool direct)
    {
        await using var target = await Target.StartAsync(
            kestrel: limits => limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1), kestrelLog: "BadRequests", direct: direct);
        var attackers = new List<Attacker>();
        for (var i = 0; i < 100; i++)
        {
            var attacker = await Attacker.ConnectAsync(target.Port);
            await attacker.SendAsync(attacker.Request()[..^2]);
            attackers.Add(attacker);
        }
        target.Held.ShouldBeLessThan(4 * MiB);
        foreach (var attacker in attackers)
        {
            (await attacker.ReadToEndAsync()).ShouldStartWith("HTTP/1.1 408 ");
            attacker.Dispose();
        }
        await target.CountsAsync("kestrel.connection.duration", "request_headers_timeout", 100);
        await target.LogsAsync("timed out", 100);
        target.Held.ShouldBeLessThan(4 * MiB);
    }

    [Fact]
    public async Task A_handshake_of_one_byte_after_the_other_is_ended_all_the_same()
    {
        await using var target = await Target.StartAsync(
            kestrel: limits => limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1), kestrelLog: "BadRequests");
        await Swarm.AttackAsync(target, DripAsync, Swarm.Size);
        await ShouldBeEndedAsync(Swarm.Size);
        var held = target.Held; // with what the transport's pool keeps for so many at once
        await Swarm.AttackAsync(target, DripAsync, Swarm.Size);
        await ShouldBeEndedAsync(2 * Swarm.Size);
        target.Held.ShouldBeLessThan(held + Swarm.Bound);

        async Task DripAsync(Attacker attacker)
        {
            var answer = attacker.ReadToEndAsync();
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(200)); // the attack's, not the test's
            var request = attacker.Request(more: "X-Slow: " + new string('x', 10_000) + "\r\n");
            for (var i = 0; i < request.Length && !answer.IsCompleted; i++)
            {
                await attacker.TrySendAsync([(byte)request[i]]);
                await pace.WaitForNextTickAsync();
            }
            (await answer).ShouldStartWith("HTTP/1.1 408 ");
        }

        async Task ShouldBeEndedAsync(int count)
        {
            await target.CountsAsync("kestrel.connection.duration", "request_headers_timeout", count);
            await target.LogsAsync("timed out", count);
        }
    }

    [Fact]
    public async Task Ten_MiB_of_headers_are_refused_when_32_KiB_have_come()
    {
        await using var target = await Target.StartAsync(kestrelLog: "BadRequests");
        using var attacker = await Attacker.ConnectAsync(target.Port);
        await attacker.SendAsync(attacker.Request()[..^2]);
        var answer = attacker.ReadToEndAsync();
        var field = System.Text.Encoding.ASCII.GetBytes("X-Large: " + new string('x', 16_000) + "\r\n");
        for (var sent = 0; sent < 10 * MiB && await attacker.TrySendAsync(field);) sent += field.Length;
        target.Held.ShouldBeLessThan(4 * MiB);
        var text = await answer;
        if (text.Length > 0) text.ShouldStartWith("HTTP/1.1 431 "); // a reset may destroy it: there were bytes unread
        await target.CountsAsync("kestrel.connection.duration", "max_request_headers_total_size_exceeded");
        await target.LogsAsync("Request headers too long");
    }

    [Fact]
    public async Task Thousands_of_header_fields_are_refused()
    {
        await using var target = await Target.StartAsync(kestrelLog: "BadRequests");
        var fields = string.Concat(Enumerable.Repeat("a:b\r\n", 3000));
        await Swarm.AttackAsync(target, async attacker =>
        {
            await attacker.SendAsync(attacker.Request(more: fields));
            (await attacker.ReadToEndAsync()).ShouldStartWith("HTTP/1.1 431 ");
        });
        await target.CountsAsync("kestrel.connection.duration", "max_request_header_count_exceeded", Swarm.Size);
        await target.LogsAsync("too many headers", Swarm.Size);
        target.Held.ShouldBeLessThan(Swarm.Bound);
    }

    [Theory]
    [InlineData("Sec-WebSocket-Protocol", "a", "Subprotocols")]
    [InlineData("Sec-WebSocket-Extensions", "x;a;b;c", "Extensions")]
    [InlineData("Sec-WebSocket-Extensions", "x;a=\"", "Extensions")]
    public async Task Offers_without_end_are_refused(string name, string offer, string reason)
    {
        await using var target = await Target.StartAsync();
        var value = string.Join(',', Enumerable.Repeat(offer, 16_000 / (offer.Length + 1)));
        await Swarm.AttackAsync(target, async attacker =>
        {
            await attacker.SendAsync(attacker.Request(more: $"{name}: {value}\r\n"));
            (await attacker.ReadToEndAsync()).ShouldStartWith("HTTP/1.1 400 ");
        });
        await target.CountsAsync("sluice.handshakes.refused", reason, Swarm.Size);
        await target.LogsAsync($"on /ws refused with 400: {name}", Swarm.Size);
        target.Held.ShouldBeLessThan(Swarm.Bound);
    }

    [Theory]
    [InlineData("Origin: https://evil.example\r\n", 403, "Origin")]
    [InlineData("Sec-WebSocket-Extensions: ;\r\n", 400, "Extensions")]
    public async Task A_request_behind_a_refused_upgrade_is_not_served(string field, int status, string reason)
    {
        var reached = false;
        await using var target = await Target.StartAsync(map: (app, _) => app.MapGet("/secret", (HttpContext _) =>
        {
            reached = true;
            return "secret";
        }));
        await Swarm.AttackAsync(target, async attacker =>
        {
            await attacker.SendAsync(attacker.Request(more: field) + "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n");
            var text = await attacker.ReadToEndAsync();
            text.ShouldStartWith($"HTTP/1.1 {status} ");
            text.ShouldNotContain("secret");
            text.Split("HTTP/1.1 ").Length.ShouldBe(2, "one response");
        });
        reached.ShouldBeFalse();
        await target.CountsAsync("sluice.handshakes.refused", reason, Swarm.Size);
        await target.LogsAsync($"on /ws refused with {status}", Swarm.Size);
        target.Held.ShouldBeLessThan(Swarm.Bound);
    }

    [Fact]
    public async Task Early_data_behind_the_handshake_is_neither_lost_nor_trusted()
    {
        await using var target = await Target.StartAsync();
        using var honest = await Attacker.ConnectAsync(target.Port);
        await honest.SendAsync([.. System.Text.Encoding.ASCII.GetBytes(honest.Request()), .. Frames.Of(0x81, "early"u8.ToArray())]);
        (await honest.ReadHeadAsync()).Status.ShouldBe(101);
        (await honest.ReadFrameAsync()).Payload.ShouldBe("early"u8.ToArray());

        await Swarm.AttackAsync(target, async attacker =>
        {
            await attacker.SendAsync(attacker.Request() + "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n"); // a G is a frame with a reserved bit
            (await attacker.ReadHeadAsync()).Status.ShouldBe(101);
            (await attacker.ReadCloseAsync()).ShouldBe(1002);
        });
        await target.CountsAsync("sluice.violations", "reserved bit set without a negotiated extension", Swarm.Size);
        await target.LogsAsync("closed by this side with 1002: reserved bit", Swarm.Size);
        target.Held.ShouldBeLessThan(Swarm.Bound);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Handshakes_from_a_page_of_another_origin_are_refused(bool direct)
    {
        await using var target = await Target.StartAsync(direct: direct);
        for (var i = 0; i < 200; i++)
        {
            using var attacker = await Attacker.ConnectAsync(target.Port);
            await attacker.SendAsync(attacker.Request(more: "Origin: https://evil.example\r\nCookie: session=stolen\r\n"));
            (await attacker.ReadToEndAsync()).ShouldStartWith("HTTP/1.1 403 ");
        }
        await target.CountsAsync("sluice.handshakes.refused", "Origin", 200);
        await target.LogsAsync("on /ws refused with 403", 200);
        target.Held.ShouldBeLessThan(4 * MiB);
    }

    [Theory]
    [InlineData(429, "Address", true)]
    [InlineData(429, "Address", false)]
    [InlineData(503, "Capacity", true)]
    [InlineData(503, "Capacity", false)]
    public async Task Connections_beyond_what_there_may_be_are_refused(int status, string reason, bool direct)
    {
        var limits = status == 429 ? new ConnectionLimits { MaxConnectionsPerAddress = 20 } : new ConnectionLimits { MaxConnections = 20 };
        await using var target = await Target.StartAsync(limits: limits, direct: direct);
        var open = new List<Attacker>();
        for (var i = 0; i < 20; i++) open.Add(await Attacker.OpenAsync(target.Port));
        for (var i = 0; i < 200; i++)
        {
            using var more = await Attacker.ConnectAsync(target.Port);
            await more.SendAsync(more.Request());
            (await more.ReadToEndAsync()).ShouldStartWith($"HTTP/1.1 {status} ");
        }
        await target.CountsAsync("sluice.handshakes.refused", reason, 200);
        await target.LogsAsync($"on /ws refused with {status}", 200);
        target.Held.ShouldBeLessThan(4 * MiB);
        open.ForEach(attacker => attacker.Dispose());
        await target.LogsAsync("closed by the peer with 1006", 20);
    }
}
