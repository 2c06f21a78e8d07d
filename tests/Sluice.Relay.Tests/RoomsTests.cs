using System.Reflection;
using System.Text;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.Relay.Tests;

/// <summary>Rooms by themselves, over pipes in memory.</summary>
public class RoomsTests
{
    [Fact]
    public async Task A_connection_that_ended_before_it_joined_is_no_member()
    {
        var rooms = new Rooms();
        var (server, _) = MemoryTransport.Connect();
        server.Abort();
        await server.Released.WaitAsync(RawPeer.Guard);
        (await rooms.JoinAsync("blue", server).WaitAsync(RawPeer.Guard)).Code.ShouldBe(CloseCode.AbnormalClosure);
        rooms.Count.ShouldBe(0);
    }

    [Fact]
    public async Task A_connection_that_ends_while_it_joins_does_not_stay()
    {
        var rooms = new Rooms();
        for (var i = 0; i < 1000; i++)
        {
            var (server, client) = MemoryTransport.Connect();
            var ending = Task.Run((i % 3) switch
            {
                0 => server.Abort,
                1 => client.Abort,
                _ => () => _ = client.CloseAsync(),
            });
            await rooms.JoinAsync("blue", server).WaitAsync(RawPeer.Guard);
            await ending;
            rooms.Count.ShouldBe(0);
        }
    }

    [Fact]
    public async Task A_connection_that_somebody_receives_from_can_t_join()
    {
        var rooms = new Rooms();
        var (server, client) = MemoryTransport.Connect();
        var receiving = server.ReceiveAsync().AsTask();
        await Should.ThrowAsync<InvalidOperationException>(() => rooms.JoinAsync("blue", server));
        rooms.Count.ShouldBe(0);
        await client.SendAsync("still open");
        using var message = await receiving.WaitAsync(RawPeer.Guard);
        message.Text.ShouldBe("still open");
    }

    [Fact]
    public async Task Publish_reaches_all_members_from_outside()
    {
        var rooms = new Rooms();
        var clients = new List<WebSocketConnection>();
        var joined = new List<Task>();
        for (var i = 0; i < 100; i++)
        {
            var (server, client) = MemoryTransport.Connect();
            joined.Add(rooms.JoinAsync("blue", server));
            clients.Add(client);
        }
        var room = rooms.Find("blue").ShouldNotBeNull();
        room.Name.ShouldBe("blue");
        room.Count.ShouldBe(100);
        room.Publish(new PreparedMessage("to all"));
        foreach (var client in clients)
        {
            using var message = await client.ReceiveAsync().AsTask().WaitAsync(RawPeer.Guard);
            message.Text.ShouldBe("to all");
        }
        foreach (var client in clients) await client.CloseAsync().WaitAsync(RawPeer.Guard);
        await Task.WhenAll(joined).WaitAsync(RawPeer.Guard);
        room.Count.ShouldBe(0);
        room.Publish(new PreparedMessage("to nobody"));
        rooms.Find("blue").ShouldBeNull();
    }

    [Fact]
    public async Task There_may_be_many_rooms()
    {
        const int Many = 5000;
        var rooms = new Rooms();
        var pairs = new List<(WebSocketConnection One, WebSocketConnection Two)>();
        var joined = new List<Task>();
        for (var i = 0; i < Many; i++)
        {
            var (one, there) = MemoryTransport.Connect();
            var (two, back) = MemoryTransport.Connect();
            joined.Add(rooms.JoinAsync($"room {i}", one));
            joined.Add(rooms.JoinAsync($"room {i}", two));
            pairs.Add((there, back));
        }
        rooms.Count.ShouldBe(Many);
        for (var i = 0; i < Many; i++) await pairs[i].One.SendAsync($"hello from {i}");
        for (var i = 0; i < Many; i++)
        {
            using var message = await pairs[i].Two.ReceiveAsync().AsTask().WaitAsync(RawPeer.Guard);
            message.Text.ShouldBe($"hello from {i}");
        }
        foreach (var (one, two) in pairs)
        {
            one.Abort();
            two.Abort();
        }
        await Task.WhenAll(joined).WaitAsync(RawPeer.Guard);
        rooms.Count.ShouldBe(0);
    }

    [Fact]
    public async Task OnMessage_sees_what_is_forwarded()
    {
        var seen = new List<string>();
        var rooms = new Rooms(new RoomOptions { OnMessage = (room, type, payload) => seen.Add($"{room} {type} {Encoding.UTF8.GetString(payload.Span)}") });
        var (server, client) = MemoryTransport.Connect();
        var joined = rooms.JoinAsync("blue", server, self: true);
        await client.SendAsync("hello");
        using var message = await client.ReceiveAsync().AsTask().WaitAsync(RawPeer.Guard);
        seen.ShouldBe(["blue Text hello"]);
        client.Abort();
        await joined.WaitAsync(RawPeer.Guard);
    }

    // Whoever looked into a room would take its lock, which somebody holds here for all that time.
    [Fact]
    public async Task Who_leaves_looks_into_no_other_room()
    {
        var rooms = new Rooms();
        var (staying, _) = MemoryTransport.Connect();
        var (leaving, client) = MemoryTransport.Connect();
        var stayed = rooms.JoinAsync("other", staying);
        var left = rooms.JoinAsync("mine", leaving);
        var gate = (Lock)typeof(Room).GetField("_gate", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(rooms.Find("other"))!;
        using var held = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var holder = new Thread(() =>
        {
            lock (gate)
            {
                held.Set();
                release.Wait();
            }
        });
        holder.Start();
        held.Wait();
        try
        {
            (await client.CloseAsync().WaitAsync(RawPeer.Guard)).WasClean.ShouldBeTrue();
            await left.WaitAsync(RawPeer.Guard);
            rooms.Find("mine").ShouldBeNull();
        }
        finally
        {
            release.Set();
            holder.Join();
        }
        staying.Abort();
        await stayed.WaitAsync(RawPeer.Guard);
    }

    [Fact]
    public void Limits_below_one_are_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new RoomOptions { MaxRooms = 0 });
        Should.Throw<ArgumentOutOfRangeException>(() => new RoomOptions { MaxMembers = 0 });
    }
}
