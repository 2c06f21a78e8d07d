using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

public sealed class RoomTests(SharedServer shared)
{
    private static readonly int[] Sizes = [1, 2, 125, 126, 127, 65_535, 65_536, 300_000, 1 << 20];

    [Fact]
    public async Task Two_members_see_each_others_messages_in_order_text_and_binary_1_B_to_1_MiB()
    {
        using var ann = await shared.Server.ConnectAsync("/rooms/two");
        using var bob = await shared.Server.ConnectAsync("/rooms/two");
        await MeetAsync(ann, bob);

        await Task.WhenAll(SendAllAsync(ann, seed: 1), SendAllAsync(bob, seed: 2), ReceiveAllAsync(bob, seed: 1), ReceiveAllAsync(ann, seed: 2));
        await ann.CloseNormallyAsync();
        await bob.CloseNormallyAsync();
    }

    [Fact]
    public async Task A_burst_stays_in_order()
    {
        using var ann = await shared.Server.ConnectAsync("/rooms/burst");
        using var bob = await shared.Server.ConnectAsync("/rooms/burst");
        await MeetAsync(ann, bob);
        const int Count = 2000;
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++) await ann.SendTextAsync($"{i}");
        });

        for (var i = 0; i < Count; i++) (await bob.ReceiveTextAsync()).ShouldBe($"{i}");
        await sending;
    }

    [Fact]
    public async Task A_sender_gets_its_own_messages_only_with_self()
    {
        using var ann = await shared.Server.ConnectAsync("/rooms/self");
        using var bob = await shared.Server.ConnectAsync("/rooms/self");
        await MeetAsync(ann, bob);
        using var cat = await shared.Server.ConnectAsync("/rooms/self?self=true");
        await cat.SendTextAsync("from cat");
        foreach (var socket in (WebSocket[])[ann, bob, cat]) (await socket.ReceiveTextAsync()).ShouldBe("from cat");
        await ann.SendTextAsync("from ann");
        foreach (var socket in (WebSocket[])[bob, cat]) (await socket.ReceiveTextAsync()).ShouldBe("from ann");
        await bob.SendTextAsync("from bob");

        (await ann.ReceiveTextAsync()).ShouldBe("from bob", "her own message would have come before");
    }

    [Fact]
    public async Task Rooms_do_not_hear_each_other()
    {
        using var ann = await shared.Server.ConnectAsync("/rooms/here");
        using var bob = await shared.Server.ConnectAsync("/rooms/here");
        using var eve = await shared.Server.ConnectAsync("/rooms/there?self=true");
        await MeetAsync(ann, bob);
        await ann.SendTextAsync("for bob");
        (await bob.ReceiveTextAsync()).ShouldBe("for bob");
        await eve.SendTextAsync("to herself");

        (await eve.ReceiveTextAsync()).ShouldBe("to herself");
    }

    [Fact]
    public async Task A_member_that_vanishes_is_removed_and_the_others_go_on()
    {
        await using var server = await RunningServer.ServeAsync();
        using var ann = await server.ConnectAsync("/rooms/lost");
        using var bob = await server.ConnectAsync("/rooms/lost");
        using (var lost = await RawPeer.ConnectAsync(server.Url, "/rooms/lost"))
        {
            await MeetAsync(ann, bob);
            lost.Reset();
        }
        await server.WaitForMetricsAsync(metrics => metrics["sluice_connections_open"] == 2);
        for (var i = 0; i < 100; i++) await ann.SendTextAsync($"{i}");

        for (var i = 0; i < 100; i++) (await bob.ReceiveTextAsync()).ShouldBe($"{i}");
        (await server.MetricsAsync()).Keys.ShouldNotContain(series => series.Contains("dropped", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_member_that_never_reads_holds_nobody_up()
    {
        await using var server = await RunningServer.ServeAsync();
        using var ann = await server.ConnectAsync("/rooms/slow");
        using var bob = await server.ConnectAsync("/rooms/slow");
        using var slow = await RawPeer.ConnectAsync(server.Url, "/rooms/slow");
        await MeetAsync(ann, bob);
        var payload = RandomNumberGenerator.GetBytes(1 << 20);
        for (var i = 0; i < 64; i++)
        {
            await ann.SendBinaryAsync(payload);
            (await bob.ReceiveMessageAsync()).Payload.Length.ShouldBe(payload.Length);
        }

        var metrics = await server.MetricsAsync();
        metrics["sluice_messages_dropped_total{reason=\"slow_reader\"}"].ShouldBeGreaterThan(0);
    }

    // Both are in the room once each has heard the other.
    private static async Task MeetAsync(WebSocket ann, WebSocket bob)
    {
        var heard = ann.ReceiveTextAsync();
        while (!heard.IsCompleted) await bob.SendTextAsync("are you there?");
        await heard;
        await ann.SendTextAsync("yes");
        while (await bob.ReceiveTextAsync() != "yes")
        {
            // his own questions, where he asked for them
        }
        await bob.SendTextAsync("good");
        while (await ann.ReceiveTextAsync() != "good")
        {
            // more of the questions
        }
    }

    private static async Task SendAllAsync(WebSocket socket, int seed)
    {
        foreach (var (type, payload) in Messages(seed)) await socket.SendAsync(payload, type, endOfMessage: true, Guard.Token());
    }

    private static async Task ReceiveAllAsync(WebSocket socket, int seed)
    {
        foreach (var (type, payload) in Messages(seed))
        {
            var message = await socket.ReceiveMessageAsync();
            message.Type.ShouldBe(type);
            message.Payload.AsSpan().SequenceEqual(payload).ShouldBeTrue($"{type} of {payload.Length} bytes");
        }
    }

    private static IEnumerable<(WebSocketMessageType Type, byte[] Payload)> Messages(int seed)
    {
        var random = new Random(seed);
        foreach (var size in Sizes)
        {
            var binary = new byte[size];
            random.NextBytes(binary);
            yield return (WebSocketMessageType.Binary, binary);
            yield return (WebSocketMessageType.Text, Encoding.ASCII.GetBytes(random.GetString("abcdefghij", size)));
        }
    }
}
