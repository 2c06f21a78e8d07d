using Sluice.AspNetCore;
using Sluice.Hostile.Support;

namespace Sluice.Hostile;

/// <summary>Attacks by peers that are slow, do not read, or vanish.</summary>
public class PeerAttacks
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task A_message_of_one_byte_a_second_ends_with_the_idle_time()
    {
        var time = new ManualTimeProvider();
        await using var target = await Target.StartAsync(new ConnectionOptions { TimeProvider = time, IdleTimeout = TimeSpan.FromSeconds(60) });
        using var attacker = await Attacker.OpenAsync(target.Port);
        await attacker.SendAsync([.. Frames.Of(0x89), .. Frames.Header(0x82, 100_000)]);
        (await attacker.ReadFrameAsync()).First.ShouldBe(0x8a); // the header behind the ping was read, too
        for (var second = 0; second < 62; second++)
        {
            await attacker.SendAsync([0]);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        (await attacker.ReadCloseAsync(pings: true)).ShouldBe(1001);
        target.Held.ShouldBeLessThan(4 * MiB);
        await attacker.TrySendAsync(Frames.Close(1001)); // inside the announced payload: no answer
        await target.LogsInTimeAsync(time, "closed by this side with 1006: the peer did not answer the close frame in time", 1);
        await target.CountsAsync("sluice.connections.closed", "1006");
    }

    [Fact]
    public async Task Peers_that_fall_silent_are_cut_by_the_keep_alive()
    {
        var time = new ManualTimeProvider();
        await using var target = await Target.StartAsync(new ConnectionOptions { TimeProvider = time, KeepAliveInterval = TimeSpan.FromSeconds(30) });
        var attackers = new List<Attacker>();
        for (var i = 0; i < 200; i++) attackers.Add(await Attacker.OpenAsync(target.Port));
        target.Held.ShouldBeLessThan(8 * MiB);
        await target.LogsInTimeAsync(time, "closed by this side with 1006: no sign of life from the peer after 2 pings", 200);
        await target.CountsAsync("sluice.connections.closed", "1006", 200);
        attackers.ForEach(attacker => attacker.Dispose());
        target.Held.ShouldBeLessThan(8 * MiB);
    }

    [Fact]
    public async Task Echoes_for_peers_that_never_read_wait_in_their_own_sockets()
    {
        var time = new ManualTimeProvider();
        await using var target = await Target.StartAsync(new ConnectionOptions { TimeProvider = time, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var attackers = new List<Attacker>();
        var floods = new List<Task>();
        for (var i = 0; i < 20; i++)
        {
            var attacker = await Attacker.OpenAsync(target.Port, receiveBuffer: 4096);
            attackers.Add(attacker);
            floods.Add(FloodAsync(attacker));
        }
        await target.CountsAsync("kestrel.active_connections", "ipv4", 20);
        target.Held.ShouldBeLessThan(80 * MiB); // 20 × (a message of 64 KiB, twice, and the transport's buffers)
        // Each is cut when it has taken nothing for 60 s.
        await target.LogsInTimeAsync(time, "closed by this side with 1006: the peer did not read for too long", 20);
        await Task.WhenAll(floods).WaitAsync(Attacker.Guard);
        await target.CountsAsync("sluice.connections.closed", "1006", 20);
        attackers.ForEach(attacker => attacker.Dispose());
        target.Held.ShouldBeLessThan(80 * MiB); // the transport's pool lets go of its blocks later

        static async Task FloodAsync(Attacker attacker)
        {
            var message = Frames.Of(0x82, new byte[64 * 1024]);
            while (await attacker.TrySendAsync(message, guarded: false))
            {
            }
        }
    }

    [Fact]
    public async Task Pushes_to_peers_that_never_read_stop_at_the_send_queues_limit()
    {
        const int queue = MiB;
        var full = new SemaphoreSlim(0);
        await using var target = await Target.StartAsync(new ConnectionOptions { SendQueueLimit = queue }, map: (app, options) => app.MapWebSocket(
            "/push",
            async connection =>
            {
                var message = new PreparedMessage(MessageType.Binary, new byte[1000]);
                while (connection.TrySend(message))
                {
                }
                options.Connection.Metrics.Dropped("slow_reader");
                full.Release();
                await connection.CloseAsync(CloseCode.PolicyViolation, "too slow");
            },
            options));
        var attackers = new List<Attacker>();
        for (var i = 0; i < 20; i++)
        {
            attackers.Add(await Attacker.OpenAsync(target.Port, "/push", receiveBuffer: 4096));
            (await full.WaitAsync(Attacker.Guard)).ShouldBeTrue();
        }
        target.Held.ShouldBeLessThan((20 * (queue + 600_000)) + (4 * MiB));
        await target.CountsAsync("sluice.messages.dropped", "slow_reader", 20);
        attackers.ForEach(attacker => attacker.Reset());
        await target.CountsAsync("sluice.connections.closed", "1006", 20);
        await target.LogsAsync("with 1006", 20);
        target.Held.ShouldBeLessThan(32 * MiB); // what pools keep
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reset_at_every_byte_of_a_conversation_does_no_harm(bool direct)
    {
        await using var target = await Target.StartAsync(direct: direct);
        byte[] conversation;
        using (var model = await Attacker.ConnectAsync(target.Port))
        {
            conversation =
            [
                .. System.Text.Encoding.ASCII.GetBytes(model.Request()), .. Frames.Of(0x01, "he"u8.ToArray()), .. Frames.Of(0x89, 1, 2),
                .. Frames.Of(0x80, "llo"u8.ToArray()), .. Frames.Of(0x82, new byte[200]), .. Frames.Close(1000),
            ];
        }
        var handshake = conversation.AsSpan().IndexOf("\r\n\r\n"u8) + 4;
        for (var length = 0; length <= conversation.Length; length++)
        {
            var attacker = await Attacker.ConnectAsync(target.Port);
            await attacker.SendAsync(conversation[..length]);
            if (length >= handshake) (await attacker.ReadHeadAsync()).Status.ShouldBe(101); // else it may not have come to a WebSocket
            attacker.Reset();
        }
        var opened = conversation.Length - handshake + 1;
        await target.LogsAsync("opened on /ws", opened);
        await target.LogsAsync("closed by the peer with 1006", opened - 1);
        await target.CountsAsync("sluice.connections.closed", "1006", opened - 1); // the last has closed before
        target.ShouldNotLog("the handler failed");
        target.Held.ShouldBeLessThan(4 * MiB);
    }
}
