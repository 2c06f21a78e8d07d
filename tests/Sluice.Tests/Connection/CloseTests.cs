using Sluice.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>The closing handshake (RFC 6455 §5.5.1, §7), seen from the other end of the wire, in both roles.</summary>
public class CloseTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    public static TheoryData<Role> Roles => [Role.Server, Role.Client];

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task Section_5_5_1_a_close_frame_is_answered_with_its_code(Role role)
    {
        var peer = new RawPeer(role);
        await peer.SendCloseAsync(3333, "why not");
        await peer.ExpectCloseAsync(3333);
        if (role == Role.Server) await peer.ExpectEndAsync(); // §7.1.1: the server closes the transport first
        peer.EndInput();
        var result = await peer.Connection.Released.WaitAsync(Guard);
        result.Code.ShouldBe((CloseCode)3333);
        result.Reason.ShouldBe("why not");
        result.ByPeer.ShouldBeTrue();
        result.WasClean.ShouldBeTrue();
        peer.Aborts.ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task Section_5_5_1_an_empty_close_frame_is_answered_with_an_empty_one(Role role)
    {
        var peer = new RawPeer(role);
        await peer.SendFrameAsync(0x88, []);
        await peer.ExpectCloseAsync(null);
        peer.EndInput();
        (await peer.Connection.Released.WaitAsync(Guard)).Code.ShouldBe(CloseCode.NoStatusReceived);
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task A_ping_that_is_not_answered_does_not_hold_up_the_closing_handshake(Role role)
    {
        var peer = new RawPeer(role);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        var ping = peer.Connection.PingAsync();
        (await peer.ReadFrameAsync()).ShouldNotBeNull().First.ShouldBe(0x89);
        var closing = peer.Connection.CloseAsync();
        await peer.ExpectCloseAsync(1000);
        await peer.SendCloseAsync(1000); // and never a pong
        (await closing.WaitAsync(Guard)).WasClean.ShouldBeTrue();
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        await Should.ThrowAsync<WebSocketClosedException>(ping.WaitAsync(Guard));
    }

    [Theory]
    [InlineData("03", 1002)]
    [InlineData("03ED", 1002)] // 1005
    [InlineData("03EE", 1002)] // 1006
    [InlineData("0000", 1002)]
    [InlineData("1388", 1002)] // 5000
    [InlineData("03E8C328", 1007)]
    public async Task Section_7_4_a_bad_close_frame_is_answered_with_the_code_that_says_why(string payload, int code)
    {
        foreach (var role in new[] { Role.Server, Role.Client })
        {
            var peer = new RawPeer(role);
            await peer.SendFrameAsync(0x88, Convert.FromHexString(payload));
            await peer.ExpectCloseAsync(code);
            if (role == Role.Server) await peer.ExpectEndAsync();
            peer.EndInput();
            var result = await peer.Connection.Released.WaitAsync(Guard);
            ((int)result.Code).ShouldBe(code);
            result.WasClean.ShouldBeFalse();
        }
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task Section_7_1_2_closing_sends_the_frame_and_waits_for_the_answer(Role role)
    {
        var peer = new RawPeer(role);
        var closing = peer.Connection.CloseAsync(CloseCode.GoingAway, "off");
        await peer.ExpectAsync(0x88, [0x03, 0xE9, (byte)'o', (byte)'f', (byte)'f']);
        peer.Connection.State.ShouldBe(ConnectionState.Closing);
        closing.IsCompleted.ShouldBeFalse();
        await peer.SendCloseAsync(1001);
        var result = await closing.WaitAsync(Guard);
        result.ByPeer.ShouldBeFalse();
        result.WasClean.ShouldBeTrue();
        peer.EndInput();
        await peer.Connection.Released.WaitAsync(Guard);
        peer.Connection.State.ShouldBe(ConnectionState.Closed);
        await peer.ExpectEndAsync(); // no second close frame
    }

    [Theory]
    [MemberData(nameof(Roles))]
    public async Task A_simultaneous_close_sends_one_frame_each_way(Role role)
    {
        var peer = new RawPeer(role);
        var first = peer.Connection.CloseAsync(CloseCode.NormalClosure, "first");
        var second = peer.Connection.CloseAsync(CloseCode.InternalError, "second");
        await peer.SendCloseAsync(4001, "theirs");
        peer.EndInput();
        await peer.ExpectCloseAsync(1000);
        await peer.ExpectEndAsync();
        (await first.WaitAsync(Guard)).Code.ShouldBe((CloseCode)4001);
        (await second.WaitAsync(Guard)).ShouldBe(await peer.Connection.Released.WaitAsync(Guard));
    }

    [Fact]
    public async Task Messages_that_nobody_receives_are_passed_over_to_find_the_close()
    {
        var peer = new RawPeer();
        for (var i = 0; i < 100; i++) await peer.SendTextAsync("unwanted");
        var closing = peer.Connection.CloseAsync();
        await peer.SendCloseAsync(1000);
        (await closing.WaitAsync(Guard)).WasClean.ShouldBeTrue();
    }

    [Fact]
    public async Task Section_5_5_1_nothing_is_sent_after_a_close_frame()
    {
        var peer = new RawPeer();
        var closing = peer.Connection.CloseAsync();
        await Should.ThrowAsync<WebSocketClosedException>(peer.Connection.SendAsync("late").AsTask());
        peer.Connection.TrySend(MessageType.Text, "late"u8.ToArray()).ShouldBeFalse();
        await Should.ThrowAsync<WebSocketClosedException>(peer.Connection.OpenMessageAsync(MessageType.Text).AsTask());
        await peer.SendFrameAsync(0x89, [1]); // no pong either
        await peer.SendCloseAsync(1000);
        await closing.WaitAsync(Guard);
        await peer.ExpectCloseAsync(1000);
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task The_answer_to_a_message_goes_out_before_the_answer_to_the_close_behind_it()
    {
        var peer = new RawPeer();
        var receiving = peer.Connection.ReceiveAsync();
        await peer.SendAsync(Protocol.Wire.Join(Protocol.Wire.Text("ask", masked: true), Protocol.Wire.Close(1000, "", masked: true)));
        using (var message = await receiving.AsTask().WaitAsync(Guard)) message.Text.ShouldBe("ask");
        await peer.Connection.SendAsync("answer");
        (await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard)).IsClose.ShouldBeTrue();
        await peer.ExpectTextAsync("answer");
        await peer.ExpectCloseAsync(1000);
    }

    [Fact]
    public async Task A_close_behind_a_message_is_answered_without_its_receiver_after_the_close_time_out()
    {
        var time = new ManualTimeProvider();
        var peer = new RawPeer(options: new ConnectionOptions { TimeProvider = time, KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var receiving = peer.Connection.ReceiveAsync();
        await peer.SendAsync(Protocol.Wire.Join(Protocol.Wire.Text("ask", masked: true), Protocol.Wire.Close(1000, "", masked: true)));
        (await receiving.AsTask().WaitAsync(Guard)).Dispose();
        while (!peer.Connection.Closed.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        await peer.ExpectCloseAsync(1000);
        (await peer.Connection.Closed.WaitAsync(Guard)).WasClean.ShouldBeTrue();
    }

    [Fact]
    public async Task A_peer_that_ends_its_stream_without_a_close_frame_is_a_result()
    {
        var peer = new RawPeer();
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        peer.EndInput();
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        var result = await peer.Connection.Released.WaitAsync(Guard);
        result.Code.ShouldBe(CloseCode.AbnormalClosure);
        result.ByPeer.ShouldBeTrue();
        (await peer.Connection.ReceiveAsync()).IsClose.ShouldBeTrue();
        (await peer.Connection.ReadMessageAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task A_transport_that_fails_is_a_result_with_its_error()
    {
        var peer = new RawPeer();
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        peer.EndInput(new IOException("reset"));
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        var result = await peer.Connection.Released.WaitAsync(Guard);
        result.Code.ShouldBe(CloseCode.AbnormalClosure);
        result.Error.ShouldBeOfType<IOException>().Message.ShouldBe("reset");
    }

    [Fact]
    public async Task The_close_frame_of_a_peer_that_reads_no_more_is_still_read()
    {
        var peer = new RawPeer();
        peer.StopReading();
        await Should.ThrowAsync<WebSocketClosedException>(async () =>
        {
            await peer.Connection.SendAsync("into the void");
            await peer.Connection.SendAsync("again");
        });
        await peer.SendTextAsync("last words");
        await peer.SendCloseAsync(1000, "bye");
        using (var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard)) message.Text.ShouldBe("last words");
        (await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard)).IsClose.ShouldBeTrue();
        (await peer.Connection.Released.WaitAsync(Guard)).Reason.ShouldBe("bye");
    }

    [Fact]
    public async Task A_failed_connection_reads_on_until_the_peers_close_frame()
    {
        var peer = new RawPeer();
        await peer.SendAsync([0xF1]);
        await peer.ExpectCloseAsync(1002);
        await peer.SendAsync([0x80, .. Protocol.Wire.Key]); // the rest of the bad frame
        for (var i = 0; i < 100; i++) await peer.SendFrameAsync(0x82, new byte[10_000]);
        peer.Connection.Released.IsCompleted.ShouldBeFalse();
        await peer.SendCloseAsync(1002);
        await peer.ExpectEndAsync();
        (await peer.Connection.Released.WaitAsync(Guard)).Code.ShouldBe(CloseCode.ProtocolError);
    }

    [Fact]
    public async Task A_reader_of_a_stream_learns_that_the_message_was_broken_off()
    {
        var peer = new RawPeer();
        await peer.SendTextAsync("half", first: 0x01);
        var reader = (await peer.Connection.ReadMessageAsync().AsTask().WaitAsync(Guard)).ShouldNotBeNull();
        (await reader.ReadAsync(new byte[10])).ShouldBe(4);
        var reading = reader.ReadAsync(new byte[10]).AsTask();
        await peer.SendCloseAsync(1000);
        await Should.ThrowAsync<WebSocketClosedException>(reading.WaitAsync(Guard));
        await Should.ThrowAsync<WebSocketClosedException>(reader.ReadAsync(new byte[10]).AsTask());
    }

    [Fact]
    public async Task Disposing_closes_and_waits_until_the_transport_is_released()
    {
        var peer = new RawPeer();
        var disposing = peer.Connection.DisposeAsync().AsTask();
        await peer.ExpectCloseAsync(1000);
        await peer.SendCloseAsync(1000);
        await disposing.WaitAsync(Guard);
        peer.Connection.Released.IsCompleted.ShouldBeTrue();
        await peer.Connection.DisposeAsync();
        peer.Connection.Abort();
        peer.Aborts.ShouldBe(0); // what is released is not touched
    }
}
