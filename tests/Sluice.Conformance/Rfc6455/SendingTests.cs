using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §5 and §6.1: what our end sends. The peer checks masking, lengths and control frames of every frame it reads.</summary>
public class SendingTests
{
    [Theory, BothSides]
    public async Task Section_5_2_every_length_is_sent_in_its_shortest_form(Side side)
    {
        await using var link = await Link.HoldAsync(side);
        foreach (var length in new[] { 0, 1, 125, 126, 127, 65535, 65536, 200_000 })
        {
            var sending = link.Connection!.SendAsync(new byte[length]).AsTask();
            await link.Peer.ShouldReadAsync(Frame.Binary(new byte[length]));
            await sending.Guarded();
        }
    }

    [Theory, BothSides]
    public async Task Section_5_6_a_string_is_sent_as_UTF_8_whatever_is_in_it(Side side)
    {
        await using var link = await Link.HoldAsync(side);
        await link.Connection!.SendAsync("ß€𝄞").Guarded();
        await link.Peer.ShouldReadAsync(Frame.Text("ß€𝄞"));
        await link.Connection.SendAsync("half a pair: \ud834").Guarded();
        await link.Peer.ShouldReadAsync(Frame.Text("half a pair: \ufffd"));
        await link.Connection.SendAsync(new PreparedMessage("prepared ß")).Guarded();
        await link.Peer.ShouldReadAsync(Frame.Text("prepared ß"));
        Should.Throw<ArgumentException>(() => new PreparedMessage(MessageType.Text, [0xff]));
    }

    [Theory, BothSides]
    public async Task Section_5_4_a_message_in_parts_is_a_first_fragment_continuations_and_an_end(Side side)
    {
        await using var link = await Link.HoldAsync(side);
        foreach (var type in new[] { MessageType.Text, MessageType.Binary })
        {
            var message = await link.Connection!.OpenMessageAsync(type).Guarded();
            foreach (var part in new[] { "one", "two", "three" }) await message.WriteAsync(System.Text.Encoding.UTF8.GetBytes(part)).Guarded();
            await message.DisposeAsync().Guarded();
            await link.Peer.ShouldReadAsync((Frame.Text("one") with { Opcode = (int)type }).Unfinished());
            await link.Peer.ShouldReadAsync(Frame.Continuation("two").Unfinished());
            await link.Peer.ShouldReadAsync(Frame.Continuation("three").Unfinished());
            await link.Peer.ShouldReadAsync(Frame.Continuation(""));
        }
    }

    [Theory, BothSides]
    public async Task Section_5_4_messages_are_not_interleaved_but_control_frames_are(Side side)
    {
        await using var link = await Link.HoldAsync(side);
        var message = await link.Connection!.OpenMessageAsync(MessageType.Text).Guarded();
        await message.WriteAsync("a"u8.ToArray()).Guarded();
        var other = link.Connection.SendAsync("b").AsTask();
        var ping = link.Connection.PingAsync();
        await link.Peer.ShouldReadAsync(Frame.Text("a").Unfinished());
        var sent = await link.Peer.ReadFrameAsync();
        sent.First.ShouldBe((byte)0x89);
        await link.Peer.SendAsync(Frame.Pong(sent.Payload));
        await ping.Guarded();
        other.IsCompleted.ShouldBeFalse("the first message has not ended");
        await message.WriteAsync("c"u8.ToArray()).Guarded();
        await message.DisposeAsync().Guarded();
        await link.Peer.ShouldReadAsync(Frame.Continuation("c").Unfinished());
        await link.Peer.ShouldReadAsync(Frame.Continuation(""));
        await link.Peer.ShouldReadAsync(Frame.Text("b"));
        await other.Guarded();
    }

    [Theory, BothSides]
    public async Task Section_5_1_many_senders_at_once_give_whole_frames(Side side)
    {
        await using var link = await Link.HoldAsync(side);
        var senders = Enumerable.Range(0, 8).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < 50; i++) await link.Connection!.SendAsync(Enumerable.Repeat((byte)sender, 100 + (sender * 300)).ToArray()).Guarded();
        })).ToArray();
        var counts = new int[8];
        for (var i = 0; i < 8 * 50; i++)
        {
            var frame = await link.Peer.ReadFrameAsync();
            var sender = frame.Payload[0];
            frame.ShouldBe(Frame.Binary(Enumerable.Repeat(sender, 100 + (sender * 300)).ToArray()));
            counts[sender]++;
        }
        counts.ShouldAllBe(count => count == 50);
        await Task.WhenAll(senders).Guarded();
    }

    [Theory, BothSides]
    public async Task Section_5_5_2_a_ping_of_ours_is_answered_by_its_own_pong_alone(Side side)
    {
        await using var link = await Link.HoldAsync(side);
        var ping = link.Connection!.PingAsync();
        var sent = await link.Peer.ReadFrameAsync();
        sent.First.ShouldBe((byte)0x89);
        await link.Peer.SendAsync(Frame.Pong("not yours"), Frame.Pong(), Frame.Ping("mine"));
        await link.Peer.ShouldReadAsync(Frame.Pong("mine")); // so the pongs before it were taken
        ping.IsCompleted.ShouldBeFalse();
        await link.Peer.SendAsync(Frame.Pong(sent.Payload));
        (await ping.Guarded()).ShouldBeGreaterThan(TimeSpan.Zero);
    }

    [Theory, BothSides]
    public async Task Section_5_5_2_a_keep_alive_is_a_ping_and_a_silent_peer_ends_as_1006(Side side)
    {
        await using var link = await Link.HoldAsync(side, new ConnectionOptions { KeepAliveInterval = TimeSpan.FromMilliseconds(100), KeepAliveMisses = 2 });
        (await link.Peer.ReadFrameAsync()).First.ShouldBe((byte)0x89);
        (await link.Connection!.Released.Guarded()).Code.ShouldBe(CloseCode.AbnormalClosure);
    }

    [Theory, BothSides]
    public async Task Section_5_5_3_pings_of_a_peer_that_does_not_read_may_be_left_out_but_the_newest_is_answered_last(Side side)
    {
        var unlimited = new ConnectionOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan, MaxControlFramesPerSecond = int.MaxValue };
        await using var link = await Link.HoldAsync(side, unlimited);
        // More pongs than every buffer on the way holds, and nobody who reads them yet.
        const int Count = 120_000;
        var flood = link.Peer.Bytes([.. Enumerable.Range(0, Count).Select(i => Frame.Ping(BitConverter.GetBytes(i).Concat(new byte[121]).ToArray()))]);
        await link.Peer.SendAsync(flood);
        var last = -1;
        while (last != Count - 1)
        {
            var pong = await link.Peer.ReadFrameAsync();
            pong.First.ShouldBe((byte)0x8a);
            var number = BitConverter.ToInt32(pong.Payload);
            number.ShouldBeGreaterThan(last);
            last = number;
        }
    }
}
