using System.Diagnostics.Metrics;

namespace Sluice.Tests.Connection;

/// <summary>Limits on what a peer may send in a time, and on what may wait for it.</summary>
public class LimitTests
{
    [Theory]
    [InlineData(0x89)]
    [InlineData(0x8a)]
    public async Task Control_frames_beyond_the_rate_are_answered_with_1008(int first)
    {
        var time = new ManualTimeProvider();
        using var metrics = new ConnectionMetrics();
        using var violations = new Violations(metrics);
        var peer = new RawPeer(options: new ConnectionOptions { MaxControlFramesPerSecond = 3, TimeProvider = time, Metrics = metrics });
        for (var i = 0; i < 30; i++) await peer.SendFrameAsync(first, []);
        await peer.SendTextAsync("after a burst of ten seconds' worth");
        await ReceiveAsync(peer);
        time.Advance(TimeSpan.FromSeconds(1));
        for (var i = 0; i < 3; i++) await peer.SendFrameAsync(first, []);
        await peer.SendTextAsync("after what a second allows");
        await ReceiveAsync(peer);
        violations.Rules.ShouldBeEmpty();

        await peer.SendFrameAsync(first, []);
        (await peer.Connection.ReceiveAsync().AsTask().WaitAsync(RawPeer.Guard)).IsClose.ShouldBeTrue();
        peer.Connection.CloseResult!.ToString().ShouldBe("closed by this side with 1008: too many pings or pongs");
        if (first == 0x89)
        {
            for (var i = 0; i < 33; i++) await peer.ExpectAsync(0x8a, []);
        }
        await peer.ExpectCloseAsync(1008);
        violations.Rules.ShouldBe(["too many pings or pongs"]);
    }

    [Fact]
    public async Task Control_frames_at_the_rate_go_on_for_ever()
    {
        var time = new ManualTimeProvider();
        var options = new ConnectionOptions { MaxControlFramesPerSecond = 3, TimeProvider = time, KeepAliveInterval = Timeout.InfiniteTimeSpan };
        var peer = new RawPeer(options: options);
        for (var second = 0; second < 100; second++)
        {
            for (var i = 0; i < 3; i++) await peer.SendFrameAsync(0x8a, []);
            await peer.SendTextAsync("tick");
            await ReceiveAsync(peer);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        peer.Connection.State.ShouldBe(ConnectionState.Open);
    }

    [Fact]
    public async Task No_more_messages_wait_for_a_slow_reader_than_the_limit()
    {
        var peer = new RawPeer(options: new ConnectionOptions { SendQueueMessages = 10 }, window: 100);
        peer.Connection.TrySend(MessageType.Binary, new byte[200]).ShouldBeTrue(); // the transport holds it back
        for (var i = 0; i < 10; i++) peer.Connection.TrySend(MessageType.Binary, new byte[] { (byte)i }).ShouldBeTrue();
        peer.Connection.TrySend(MessageType.Binary, new byte[1]).ShouldBeFalse();
        var waiting = peer.Connection.SendAsync(MessageType.Binary, new byte[] { 10 });
        waiting.IsCompleted.ShouldBeFalse();
        await peer.ExpectAsync(0x82, new byte[200]);
        for (var i = 0; i <= 10; i++) await peer.ExpectAsync(0x82, [(byte)i]);
        await waiting.AsTask().WaitAsync(RawPeer.Guard);
    }

    [Fact]
    public async Task Everybody_who_waits_for_a_slow_reader_is_told_when_it_was_sent()
    {
        var peer = new RawPeer(options: new ConnectionOptions { SendQueueLimit = 10 * 1024 * 1024 }, window: 1000);
        var sending = Enumerable.Range(0, 100).Select(i => peer.Connection.SendAsync(new byte[40_000 + i]).AsTask()).ToArray();
        sending.ShouldAllBe(send => !send.IsCompleted);
        for (var i = 0; i < 100; i++) ((await peer.ReadFrameAsync()).ShouldNotBeNull().Payload.Length).ShouldBe(40_000 + i);
        await Task.WhenAll(sending).WaitAsync(RawPeer.Guard);
        peer.Connection.Sender.PendingLength.ShouldBe(0);
    }

    // Autobahn's cases 9.3 and 9.4 send so many; whoever raises the size alone is to get them.
    [Theory]
    [InlineData(64)]
    [InlineData(256)]
    [InlineData(4096)]
    public async Task Four_MiB_in_very_many_fragments_are_taken_by_default(int size)
    {
        const int Total = 4 << 20;
        var peer = new RawPeer(options: new ConnectionOptions { MaxMessageSize = Total });
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        var payload = new byte[Total];
        new Random(1).NextBytes(payload);
        for (var at = 0; at < Total; at += size)
        {
            var opcode = (at == 0 ? 0x02 : 0x00) | (at + size == Total ? 0x80 : 0x00);
            await peer.SendFrameAsync(opcode, payload[at..(at + size)]);
        }
        using var message = await receiving.WaitAsync(RawPeer.Guard);
        message.Payload.Span.SequenceEqual(payload).ShouldBeTrue();
    }

    [Fact]
    public async Task Who_gave_up_is_told()
    {
        var time = new ManualTimeProvider();
        var peer = new RawPeer(options: new ConnectionOptions { TimeProvider = time });
        while (peer.Connection.CloseResult is null)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            await Task.Yield();
        }
        peer.Connection.CloseResult.ToString().ShouldBe("closed by this side with 1006: no sign of life from the peer after 2 pings");
        var other = new RawPeer();
        other.EndInput();
        (await other.Connection.Closed.WaitAsync(RawPeer.Guard)).ToString()
            .ShouldBe("closed by the peer with 1006: the peer closed the transport without a close frame");
    }

    private static async Task ReceiveAsync(RawPeer peer)
    {
        using var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(RawPeer.Guard);
        message.IsText.ShouldBeTrue();
    }

    // What one connection's counter counted; others' of the same name are not looked at.
    private sealed class Violations : IDisposable
    {
        private readonly MeterListener _listener = new();

        public Violations(ConnectionMetrics metrics)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "sluice.violations" && metrics.Owns(instrument)) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, _, tags, _) => Rules.Add((string)tags[0].Value!));
            _listener.Start();
        }

        public List<string> Rules { get; } = [];

        public void Dispose() => _listener.Dispose();
    }
}
