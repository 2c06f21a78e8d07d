using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.Relay.Tests;

/// <summary>Rooms on a real server.</summary>
public class RoomEndpointTests
{
    private static readonly int[] Sizes = [1, 125, 126, 65535, 65536, 1024 * 1024];

    [Fact]
    public async Task What_a_member_sends_reaches_the_others_in_order_text_and_binary()
    {
        var rooms = new Rooms();
        await using var server = await StartAsync(rooms);
        using var one = await server.OpenAsync("/rooms/blue");
        using var two = await server.OpenAsync("/rooms/blue");
        using var three = await server.OpenAsync("/rooms/blue");
        using var elsewhere = await server.OpenAsync("/rooms/red");
        await MembersAsync(rooms, "blue", 3);
        foreach (var size in Sizes)
        {
            byte[] payload = [.. Enumerable.Range(0, size).Select(i => (byte)('a' + (i % 26)))];
            var sending = one.SendAsync([.. MaskedFrame.Of(0x81, payload), .. MaskedFrame.Binary(payload)]);
            foreach (var member in new[] { two, three })
            {
                var text = await member.ReadFrameAsync();
                text.First.ShouldBe((byte)0x81);
                text.Payload.AsSpan().SequenceEqual(payload).ShouldBeTrue();
                var binary = await member.ReadFrameAsync();
                binary.First.ShouldBe((byte)0x82);
                binary.Payload.AsSpan().SequenceEqual(payload).ShouldBeTrue();
            }
            await sending;
        }
        // Neither the sender nor another room got any of it: the next thing that they see is what is sent now.
        await two.SendAsync(MaskedFrame.Text("back"));
        (await one.ReadFrameAsync()).Text.ShouldBe("back");
        await elsewhere.SendAsync(MaskedFrame.Close(1000));
        (await elsewhere.ReadCloseAsync()).Code.ShouldBe(1000);
    }

    [Fact]
    public async Task Many_messages_of_several_senders_keep_each_sender_s_order()
    {
        const int Count = 2000;
        var rooms = new Rooms();
        await using var server = await StartAsync(rooms);
        using var reader = await server.OpenAsync("/rooms/blue");
        RawPeer[] senders = [await server.OpenAsync("/rooms/blue"), await server.OpenAsync("/rooms/blue"), await server.OpenAsync("/rooms/blue")];
        await MembersAsync(rooms, "blue", 4);
        var sending = senders.Select((sender, n) => Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++) await sender.SendAsync(MaskedFrame.Text($"{n} {i}"));
        }));
        var draining = senders.Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < 2 * Count; i++) await sender.ReadFrameAsync();
        }));
        var all = Task.WhenAll(sending.Concat(draining).ToArray());
        var next = new int[senders.Length];
        for (var i = 0; i < senders.Length * Count; i++)
        {
            var parts = (await reader.ReadFrameAsync()).Text.Split(' ');
            var sender = parts[0][0] - '0';
            parts[1].ShouldBe($"{next[sender]++}");
        }
        await all.WaitAsync(RawPeer.Guard);
        foreach (var sender in senders) sender.Dispose();
    }

    [Fact]
    public async Task A_member_may_ask_for_its_own_messages()
    {
        var rooms = new Rooms();
        await using var server = await StartAsync(rooms);
        using var one = await server.OpenAsync("/rooms/blue?self=true");
        using var two = await server.OpenAsync("/rooms/blue");
        await MembersAsync(rooms, "blue", 2);
        await one.SendAsync(MaskedFrame.Text("hello"));
        (await one.ReadFrameAsync()).Text.ShouldBe("hello");
        (await two.ReadFrameAsync()).Text.ShouldBe("hello");
    }

    [Theory]
    [InlineData("a close", "Closed")]
    [InlineData("FIN", "ClosedAbnormally")]
    [InlineData("RST", "ClosedAbnormally")]
    [InlineData("a violation", "ClosedAbnormally")]
    public async Task A_member_that_leaves_or_fails_is_removed_and_the_room_ends_with_its_last(string how, string line)
    {
        var rooms = new Rooms();
        await using var server = await StartAsync(rooms);
        using var peer = await server.OpenAsync("/rooms/blue");
        await MembersAsync(rooms, "blue", 1);
        switch (how)
        {
            case "a close":
                await peer.SendAsync(MaskedFrame.Close(1000));
                break;
            case "FIN":
                peer.HalfClose();
                break;
            case "RST":
                peer.Reset();
                break;
            default:
                await peer.SendAsync(MaskedFrame.Of(0xc1, []));
                peer.HalfClose();
                break;
        }
        await server.Log.WaitForAsync(line);
        rooms.Count.ShouldBe(0);
        rooms.Find("blue").ShouldBeNull();
    }

    [Fact]
    public async Task A_member_that_never_reads_is_dropped_and_the_others_get_everything()
    {
        const int Most = 400; // 100 MiB: more than any socket buffers
        using var dropped = new Counted("sluice.messages.dropped");
        var rooms = new Rooms();
        var options = new WebSocketEndpointOptions
        {
            Connection = new ConnectionOptions { SendQueueLimit = 1024 * 1024, CloseTimeout = TimeSpan.FromMilliseconds(500) },
        };
        await using var server = await StartAsync(rooms, options);
        using var sender = await server.OpenAsync("/rooms/blue");
        using var reader = await server.OpenAsync("/rooms/blue");
        using var stuck = await RawPeer.ConnectAsync(server.Port, receiveBuffer: 8192);
        await stuck.SendAsync(Handshakes.Request(server.Port, "/rooms/blue"));
        await MembersAsync(rooms, "blue", 3);
        var payload = new byte[256 * 1024];
        var sent = 0;
        while (rooms.Find("blue")!.Count == 3)
        {
            sent++.ShouldBeLessThan(Most, "the member that does not read is still there");
            payload[0] = (byte)sent;
            var sending = sender.SendAsync(MaskedFrame.Binary(payload));
            (await reader.ReadFrameAsync()).Payload.AsSpan().SequenceEqual(payload).ShouldBeTrue();
            await sending;
        }
        dropped.Counts.ShouldBe(new Dictionary<string, long> { ["slow_reader"] = 1 });
        // It is not a member any more, but its connection ends only now.
        await server.Log.WaitForAsync("ClosedAbnormally");
        await sender.SendAsync(MaskedFrame.Text("still here"));
        (await reader.ReadFrameAsync()).Text.ShouldBe("still here");
        server.Log.OfSluice.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Members_come_go_and_publish_at_once()
    {
        const int Workers = 6;
        const int Rounds = 40;
        const int Steady = 500;
        var rooms = new Rooms();
        await using var server = await StartAsync(rooms);
        using var publisher = await server.OpenAsync("/rooms/0");
        using var observer = await server.OpenAsync("/rooms/0");
        await MembersAsync(rooms, "0", 2);
        var workers = Enumerable.Range(0, Workers).Select(n => Task.Run(async () =>
        {
            var random = new Random(n);
            for (var round = 0; round < Rounds; round++)
            {
                using var peer = await server.OpenAsync($"/rooms/{random.Next(3)}");
                for (var i = random.Next(4); i > 0; i--) await peer.SendAsync(MaskedFrame.Binary(new byte[random.Next(2000)]));
                if (random.Next(3) == 0) peer.Reset();
                else if (random.Next(2) == 0) await peer.SendAsync(MaskedFrame.Close(1000));
            }
        })).ToArray();
        var publishing = Task.Run(async () =>
        {
            for (var i = 0; i < Steady; i++) await publisher.SendAsync(MaskedFrame.Text($"{i}"));
        });
        var draining = Task.Run(publisher.ReadToAnyEndAsync);
        for (var i = 0; i < Steady;)
        {
            var frame = await observer.ReadFrameAsync();
            if (frame.First == 0x81) frame.Text.ShouldBe($"{i++}");
        }
        await publishing.WaitAsync(RawPeer.Guard);
        await Task.WhenAll(workers).WaitAsync(RawPeer.Guard);
        publisher.Reset();
        await draining.WaitAsync(RawPeer.Guard);
        observer.Reset();
        await server.StopAsync();
        rooms.Count.ShouldBe(0);
        server.Log.OfSluice.ShouldNotContain(line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task The_limits_close_with_1013()
    {
        var rooms = new Rooms(new RoomOptions { MaxRooms = 1, MaxMembers = 2 });
        await using var server = await StartAsync(rooms);
        using var one = await server.OpenAsync("/rooms/blue");
        using var two = await server.OpenAsync("/rooms/blue");
        await MembersAsync(rooms, "blue", 2);
        foreach (var name in new[] { "blue", "red" })
        {
            using var peer = await server.OpenAsync($"/rooms/{name}");
            (await peer.ReadCloseAsync()).ShouldBe((1013, "the room, or the house, is full"));
            await peer.SendAsync(MaskedFrame.Close(1013));
            await peer.ShouldEndAsync();
        }
        rooms.Count.ShouldBe(1);
        await one.SendAsync(MaskedFrame.Close(1000));
        await one.ReadCloseAsync();
        await one.ShouldEndAsync();
        using var next = await server.OpenAsync("/rooms/blue");
        await MembersAsync(rooms, "blue", 2);
        await next.SendAsync(MaskedFrame.Text("in"));
        (await two.ReadFrameAsync()).Text.ShouldBe("in");
    }

    private static Task<RunningServer> StartAsync(Rooms rooms, WebSocketEndpointOptions? options = null)
        => RunningServer.StartAsync(app => app.MapRooms("/rooms/{room}", rooms, options));

    // The 101 leaves before the room is joined.
    private static async Task MembersAsync(Rooms rooms, string name, int count)
    {
        using var guard = new CancellationTokenSource(RawPeer.Guard);
        while (rooms.Find(name)?.Count != count)
        {
            guard.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
