using Sluice.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>Everything that time brings about, on a clock that the test moves.</summary>
public class TimeTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    private readonly ManualTimeProvider _time = new();

    private ConnectionOptions Options => new()
    {
        TimeProvider = _time,
        KeepAliveInterval = Timeout.InfiniteTimeSpan,
        SendTimeout = Timeout.InfiniteTimeSpan,
    };

    [Fact]
    public async Task A_ping_is_sent_at_each_interval_and_its_pong_tells_the_round_trip()
    {
        var peer = new RawPeer(options: Options with { KeepAliveInterval = TimeSpan.FromSeconds(30) });
        for (var i = 0; i < 5; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(30) + Tick);
            var ping = (await peer.ReadFrameAsync()).ShouldNotBeNull();
            ping.First.ShouldBe(0x89);
            _time.Advance(TimeSpan.FromMilliseconds(70));
            await peer.SendFrameAsync(0x8A, ping.Payload);
            // A ping of the peer's behind it shows that the pong was worked off.
            await peer.SendFrameAsync(0x89, [7]);
            await peer.ExpectAsync(0x8A, [7]);
            // The ping went out up to a tick before the test's clock stood still.
            if (i == 0) peer.Connection.RoundTripTime.ShouldNotBeNull().ShouldBeInRange(TimeSpan.FromMilliseconds(70), TimeSpan.FromMilliseconds(70) + Tick);
        }
        peer.Connection.State.ShouldBe(ConnectionState.Open);
    }

    [Fact]
    public async Task A_peer_that_answers_none_of_two_pings_is_given_up()
    {
        var peer = new RawPeer(options: Options with { KeepAliveInterval = TimeSpan.FromSeconds(30) });
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        for (var i = 0; i < 2; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(30) + Tick);
            (await peer.ReadFrameAsync()).ShouldNotBeNull().First.ShouldBe(0x89);
            peer.Connection.State.ShouldBe(ConnectionState.Open);
        }
        _time.Advance(TimeSpan.FromSeconds(30) + Tick);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        var result = await peer.Connection.Released.WaitAsync(Guard);
        result.Code.ShouldBe(CloseCode.AbnormalClosure);
        result.Reason.ShouldContain("2 pings");
        peer.Aborts.ShouldBe(1);
    }

    [Fact]
    public async Task Any_bytes_of_the_peers_count_as_a_sign_of_life()
    {
        var peer = new RawPeer(options: Options with { KeepAliveInterval = TimeSpan.FromSeconds(30) });
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(30) + Tick);
            (await peer.ReadFrameAsync()).ShouldNotBeNull().First.ShouldBe(0x89);
            await peer.SendFrameAsync(0x89, []);
            await peer.ExpectAsync(0x8A, []);
        }
        peer.Connection.State.ShouldBe(ConnectionState.Open);
    }

    [Fact]
    public async Task While_a_message_waits_to_be_received_the_peer_is_not_given_up()
    {
        var peer = new RawPeer(options: Options with { KeepAliveInterval = TimeSpan.FromSeconds(30) });
        await peer.SendFrameAsync(0x89, [1]);
        await peer.ExpectAsync(0x8A, [1]);
        await peer.SendTextAsync("unread");
        await WaitUntilNotListening(peer);
        for (var i = 0; i < 10; i++) _time.Advance(TimeSpan.FromSeconds(31));
        using var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Text.ShouldBe("unread");
    }

    [Theory]
    [InlineData(Role.Server)]
    [InlineData(Role.Client)]
    public async Task A_close_that_is_not_answered_ends_after_the_close_time_out(Role role)
    {
        var peer = new RawPeer(role, Options with { CloseTimeout = TimeSpan.FromSeconds(5) });
        var closing = peer.Connection.CloseAsync();
        await peer.ExpectCloseAsync(1000);
        _time.Advance(TimeSpan.FromSeconds(5) - Tick);
        closing.IsCompleted.ShouldBeFalse();
        _time.Advance(2 * Tick);
        var result = await closing.WaitAsync(Guard);
        result.Code.ShouldBe(CloseCode.AbnormalClosure);
        result.WasClean.ShouldBeFalse();
        await peer.ExpectEndAsync(); // in peace, not by an abort
        await peer.Connection.Released.WaitAsync(Guard);
        peer.Aborts.ShouldBe(0);
    }

    [Fact]
    public async Task A_client_waits_for_the_server_to_close_the_transport_but_not_for_ever()
    {
        var peer = new RawPeer(Role.Client, Options with { CloseTimeout = TimeSpan.FromSeconds(5) });
        await peer.SendCloseAsync(1000);
        await peer.ExpectCloseAsync(1000);
        (await peer.Connection.Closed.WaitAsync(Guard)).WasClean.ShouldBeTrue();
        peer.Connection.Released.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(5) + Tick);
        await peer.ExpectEndAsync();
        (await peer.Connection.Released.WaitAsync(Guard)).WasClean.ShouldBeTrue();
    }

    [Fact]
    public async Task A_failed_connection_lingers_for_as_long_as_it_may()
    {
        var peer = new RawPeer(options: Options with { LingerTimeout = TimeSpan.FromSeconds(2) });
        await peer.SendAsync([0x83]);
        await peer.ExpectCloseAsync(1002);
        _time.Advance(TimeSpan.FromSeconds(2) - Tick);
        peer.Connection.Released.IsCompleted.ShouldBeFalse();
        _time.Advance(2 * Tick);
        await peer.ExpectEndAsync();
        (await peer.Connection.Released.WaitAsync(Guard)).Code.ShouldBe(CloseCode.ProtocolError);
        peer.Aborts.ShouldBe(0);
    }

    [Fact]
    public async Task A_peer_that_does_not_read_for_the_send_time_out_is_cut_off()
    {
        var peer = new RawPeer(options: Options with { SendTimeout = TimeSpan.FromSeconds(60) }, window: 1000);
        _time.Advance(TimeSpan.FromSeconds(45)); // the time counts from the moment that the transport holds back
        var sending = peer.Connection.SendAsync(new byte[5000]).AsTask();
        _time.Advance(TimeSpan.FromSeconds(59));
        sending.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(2));
        await Should.ThrowAsync<WebSocketClosedException>(sending.WaitAsync(Guard));
        (await peer.Connection.Released.WaitAsync(Guard)).Reason.ShouldContain("did not read");
        peer.Aborts.ShouldBe(1);
    }

    [Fact]
    public async Task A_slow_reader_that_reads_at_all_is_not_cut_off()
    {
        var peer = new RawPeer(options: Options with { SendTimeout = TimeSpan.FromSeconds(60) }, window: 1000);
        for (var i = 0; i < 5; i++)
        {
            var sending = peer.Connection.SendAsync(new byte[2000]).AsTask();
            _time.Advance(TimeSpan.FromSeconds(50));
            await peer.ExpectAsync(0x82, new byte[2000]);
            await sending.WaitAsync(Guard);
        }
        peer.Connection.State.ShouldBe(ConnectionState.Open);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_with_1001_as_soon_as_it_was_idle_for_long_enough()
    {
        var peer = new RawPeer(options: Options with { IdleTimeout = TimeSpan.FromMinutes(1) });
        _time.Advance(TimeSpan.FromSeconds(50));
        await peer.Connection.SendAsync("not idle");
        await peer.ExpectTextAsync("not idle");
        _time.Advance(TimeSpan.FromSeconds(59));
        peer.Connection.State.ShouldBe(ConnectionState.Open);
        await peer.SendFrameAsync(0x89, []); // pings do not count
        await peer.ExpectAsync(0x8A, []);
        _time.Advance(TimeSpan.FromSeconds(1.2));
        await peer.ExpectCloseAsync(1001);
        await peer.SendCloseAsync(1001);
        (await peer.Connection.Released.WaitAsync(Guard)).Code.ShouldBe(CloseCode.GoingAway);
    }

    [Fact]
    public async Task A_close_frame_that_a_peer_never_reads_does_not_keep_the_connection()
    {
        var peer = new RawPeer(options: Options, window: 100);
        var sending = peer.Connection.SendAsync(new byte[500]).AsTask();
        await peer.SendAsync([0x83]);
        await Should.ThrowAsync<WebSocketClosedException>(async () =>
        {
            while (!sending.IsCompleted)
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }
            await sending;
        });
        (await peer.Connection.Released.WaitAsync(Guard)).Code.ShouldBe(CloseCode.ProtocolError);
        peer.Aborts.ShouldBe(1);
    }

    private static TimeSpan Tick => TimeSpan.FromMilliseconds(60); // the wheel's 50, and a little

    private static async Task WaitUntilNotListening(RawPeer peer)
    {
        while (peer.Connection.IsListening) await Task.Yield();
    }
}
