using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>What peers do to hurt: each costs no more than the option that bounds it, and is answered with the right code.</summary>
[Collection(nameof(Alone))] // one of them counts what the whole process allocates
public class HostileTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    public static TheoryData<Role> Roles => [Role.Server, Role.Client];

    // The limit, the limit + 1 and + 2, in one frame and in fragments.
    [Theory]
    [InlineData(1000, 0)]
    [InlineData(1001, 1009)]
    [InlineData(1002, 1009)]
    public async Task Section_10_4_a_message_is_taken_up_to_the_limit_and_refused_above_it(int size, int code)
    {
        foreach (var role in new[] { Role.Server, Role.Client })
        {
            foreach (var first in new[] { 0, 1, 500, 999, 1000 })
            {
                var peer = new RawPeer(role, new ConnectionOptions { MaxMessageSize = 1000 });
                var receiving = peer.Connection.ReceiveAsync().AsTask();
                if (first == 0)
                {
                    await peer.SendFrameAsync(0x82, new byte[size]);
                }
                else
                {
                    await peer.SendFrameAsync(0x02, new byte[first]);
                    await peer.SendFrameAsync(0x80, new byte[size - first]);
                }
                using var message = await receiving.WaitAsync(Guard);
                if (code == 0)
                {
                    message.Payload.Length.ShouldBe(size);
                    continue;
                }
                message.IsClose.ShouldBeTrue();
                await peer.ExpectCloseAsync(code);
                peer.Connection.CloseResult!.Code.ShouldBe(CloseCode.MessageTooBig);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task Section_10_4_the_announcement_alone_is_refused_before_any_payload_comes(Role role)
    {
        var peer = new RawPeer(role);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        await peer.SendAsync(role == Role.Server ? Wire.Hex("82 FF 7FFFFFFFFFFFFFFF 00000000") : Wire.Hex("82 7F 7FFFFFFFFFFFFFFF"));
        await peer.ExpectCloseAsync(1009);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
    }

    [Fact]
    public async Task A_sum_of_fragments_that_would_overflow_is_refused()
    {
        var peer = new RawPeer(Role.Client, new ConnectionOptions { MaxMessageSize = long.MaxValue });
        var reader = peer.Connection.ReadMessageAsync().AsTask();
        await peer.SendFrameAsync(0x02, [1]);
        using var stream = (await reader.WaitAsync(Guard)).ShouldNotBeNull();
        (await stream.ReadAsync(new byte[1])).ShouldBe(1);
        var more = stream.ReadAsync(new byte[1]).AsTask();
        await peer.SendAsync(Wire.Hex("00 7F 7FFFFFFFFFFFFFFF"));
        await peer.ExpectCloseAsync(1009);
        await Should.ThrowAsync<WebSocketClosedException>(more.WaitAsync(Guard));
    }

    [Theory]
    [InlineData("82 7F 0000000080000000")]
    [InlineData("82 7F 7FFFFFFFFFFFFFFF")]
    public async Task A_message_beyond_an_arrays_length_is_refused_when_it_is_received_whole(string header)
    {
        var options = new ConnectionOptions { MaxMessageSize = long.MaxValue };
        var receiver = new RawPeer(Role.Client, options);
        var receiving = receiver.Connection.ReceiveAsync().AsTask();
        await receiver.SendAsync(Wire.Hex(header));
        await receiver.ExpectCloseAsync(1009);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();

        var streamer = new RawPeer(Role.Client, options);
        var reading = streamer.Connection.ReadMessageAsync().AsTask();
        await streamer.SendAsync(Wire.Hex(header));
        (await reading.WaitAsync(Guard)).ShouldNotBeNull();
        streamer.Connection.State.ShouldBe(ConnectionState.Open);
        streamer.Connection.Abort();
    }

    [Fact]
    public async Task An_announced_megabyte_of_which_little_comes_holds_little()
    {
        var peers = new List<RawPeer>();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < 50; i++)
        {
            var peer = new RawPeer(Role.Client);
            _ = peer.Connection.ReceiveAsync().AsTask();
            await peer.SendAsync(Wire.Hex("82 7F 0000000000100000 010203"));
            peers.Add(peer);
        }
        (GC.GetTotalAllocatedBytes(precise: true) - before).ShouldBeLessThan(50 * 200_000);
        foreach (var peer in peers) peer.Connection.Abort();
    }

    [Fact]
    public async Task Very_many_empty_fragments_are_refused_at_the_limit_with_1008()
    {
        var peer = new RawPeer(options: new ConnectionOptions { MaxFragments = 1000 });
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        await peer.SendFrameAsync(0x02, []);
        for (var i = 0; i < 999; i++) await peer.SendFrameAsync(0x00, []);
        peer.Connection.State.ShouldBe(ConnectionState.Open);
        await peer.SendFrameAsync(0x80, []);
        await peer.ExpectCloseAsync(1008);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
    }

    [Fact]
    public async Task A_message_of_exactly_the_most_fragments_arrives()
    {
        var peer = new RawPeer(options: new ConnectionOptions { MaxFragments = 1000 });
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        await peer.SendFrameAsync(0x02, [0]);
        for (var i = 0; i < 998; i++) await peer.SendFrameAsync(0x00, [1]);
        await peer.SendFrameAsync(0x80, [2]);
        using var message = await receiving.WaitAsync(Guard);
        message.Payload.Length.ShouldBe(1000);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task A_ping_flood_of_a_peer_that_never_reads_holds_little_and_keeps_the_newest(Role role)
    {
        var peer = new RawPeer(role, new ConnectionOptions { MaxControlFramesPerSecond = 2000 }, window: 1000);
        for (var i = 0; i < 20_000; i++) await peer.SendFrameAsync(0x89, [.. BitConverter.GetBytes(i), .. new byte[96]]);
        await peer.SendTextAsync("behind");
        using (var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard)) message.Text.ShouldBe("behind");
        peer.Connection.Sender.PendingLength.ShouldBeLessThan(5000);
        var last = -1;
        var count = 0;
        while (last != 19_999)
        {
            var pong = (await peer.ReadFrameAsync()).ShouldNotBeNull();
            pong.First.ShouldBe(0x8A);
            var number = BitConverter.ToInt32(pong.Payload);
            number.ShouldBeGreaterThan(last);
            last = number;
            count++;
        }
        count.ShouldBeLessThan(1000);
    }

    [Fact]
    public async Task A_peer_that_never_reads_holds_no_more_than_the_send_queue_limit()
    {
        var peer = new RawPeer(options: new ConnectionOptions { SendQueueLimit = 100_000 }, window: 10_000);
        var message = new PreparedMessage(MessageType.Binary, new byte[1000]);
        var taken = 0;
        while (peer.Connection.TrySend(message)) taken++;
        (taken * 1000).ShouldBeInRange(90_000, 130_000);
        peer.Connection.Sender.PendingLength.ShouldBeLessThanOrEqualTo(100_000);
        peer.Connection.State.ShouldBe(ConnectionState.Open);

        // A send waits for room, may give up, and is served in its turn.
        using var cancel = new CancellationTokenSource();
        var first = peer.Connection.SendAsync(new string('1', 1000)).AsTask();
        var second = peer.Connection.SendAsync(new string('2', 1000), cancel.Token).AsTask();
        var third = peer.Connection.SendAsync(new string('3', 1000)).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(second.WaitAsync(Guard));
        for (var i = 0; i < taken; i++) await peer.ExpectAsync(0x82, new byte[1000]);
        await peer.ExpectTextAsync(new string('1', 1000));
        await peer.ExpectTextAsync(new string('3', 1000));
        await Task.WhenAll(first, third).WaitAsync(Guard);
    }

    [Fact]
    public async Task A_handler_that_echoes_to_a_peer_that_never_reads_stops_reading()
    {
        var peer = new RawPeer(window: 10_000);
        var handler = new CountingEcho();
        var running = peer.Connection.RunAsync(handler);
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++) await peer.SendFrameAsync(0x82, new byte[1000]);
        });
        await handler.Stuck.Task.WaitAsync(Guard);
        sending.IsCompleted.ShouldBeFalse();
        for (var i = 0; i < 1000; i++) await peer.ExpectAsync(0x82, new byte[1000]);
        await sending.WaitAsync(Guard);
        peer.Connection.Abort();
        (await running.WaitAsync(Guard)).Code.ShouldBe(CloseCode.AbnormalClosure);
    }

    [Fact]
    public async Task One_byte_at_a_time_is_slow_but_right()
    {
        var peer = new RawPeer();
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        foreach (var b in Wire.Join(Wire.Frame(0x89, [1, 2], masked: true), Wire.Text("κόσμε", masked: true))) await peer.SendAsync([b]);
        await peer.ExpectAsync(0x8A, [1, 2]);
        using var message = await receiving.WaitAsync(Guard);
        message.Text.ShouldBe("κόσμε");
    }

    [Theory]
    [InlineData("81 FE", 1002)] // a control frame's bits apart, each violation at its first byte
    [InlineData("C1", 1002)]
    [InlineData("83", 1002)]
    [InlineData("8B", 1002)]
    [InlineData("08", 1002)]
    [InlineData("80", 1002)]
    [InlineData("81 00", 1002)]
    [InlineData("89 FE", 1002)]
    [InlineData("82 FE 00 7D", 1002)]
    [InlineData("82 FF 80", 1002)]
    [InlineData("01 84 00000000 61 C0", 1007)]
    [InlineData("81 FF 0000000000010000 00000000 F5", 1007)]
    public async Task A_violation_is_answered_at_its_earliest_byte(string hex, int code)
    {
        if (hex == "81 FE") hex = "81 FE 00 00";
        var peer = new RawPeer();
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        var bytes = Wire.Hex(hex);
        await peer.SendAsync(bytes[..^1]);
        await peer.SendAsync(bytes[^1..]);
        await peer.ExpectCloseAsync(code);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        peer.Connection.CloseResult!.ByPeer.ShouldBeFalse();
    }

    [Fact]
    public async Task A_peer_that_sends_without_pause_before_anybody_receives_does_not_keep_the_constructor()
    {
        var early = Wire.Join([.. Enumerable.Repeat(Wire.Frame(0x89, [1], masked: true), 5000), Wire.Text("early", masked: true)]);
        var peer = new RawPeer(early: early, window: 1 << 20);
        for (var i = 0; i < 5000; i++) await peer.ExpectAsync(0x8A, [1]);
        using var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Text.ShouldBe("early");
    }

    [Fact]
    public async Task Early_bytes_that_fail_the_connection_are_told_to_whoever_gets_it()
    {
        var peer = new RawPeer(early: [0x83]);
        await peer.ExpectCloseAsync(1002);
        (await peer.Connection.ReceiveAsync()).IsClose.ShouldBeTrue();
        var handler = new CountingEcho();
        var running = peer.Connection.RunAsync(handler);
        peer.EndInput();
        (await running.WaitAsync(Guard)).Code.ShouldBe(CloseCode.ProtocolError);
        handler.Closed.ShouldBe(1);
    }

    private sealed class CountingEcho : IWebSocketHandler
    {
        public TaskCompletionSource Stuck { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Closed { get; private set; }

        public async ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        {
            var sending = connection.SendAsync(type, payload);
            if (!sending.IsCompleted) Stuck.TrySetResult();
            await sending;
        }

        public void OnClose(WebSocketConnection connection, CloseResult result) => Closed++;
    }
}
