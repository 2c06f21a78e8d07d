using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Compression;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>Hostile compressed messages: they stop at the limit, not behind it, and cost no more than it allows.</summary>
[Collection(nameof(Alone))]
public class CompressionLimitTests
{
    private const int Limit = 100_000;

    private static readonly TimeSpan Guard = RawPeer.Guard;

    private static readonly DeflateAgreement Agreed = new();

    private static readonly DeflateAgreement NoTakeover = new() { ClientNoContextTakeover = true, ServerNoContextTakeover = true };

    public enum Way
    {
        Receive,
        Stream,
        Handler,
        Abandoned,
    }

    public static TheoryData<Way, bool> Ways => new()
    {
        { Way.Receive, true },
        { Way.Receive, false },
        { Way.Stream, true },
        { Way.Stream, false },
        { Way.Handler, true },
        { Way.Handler, false },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    [InlineData(Way.Abandoned, true)] // without context the rest of such a message is not inflated at all
    public async Task A_bomb_stops_at_the_limit(Way way, bool takeover)
    {
        var bomb = Deflated(new byte[50_000_000]);
        bomb.Length.ShouldBeLessThan(100_000);
        var peer = Peer(takeover);
        await Warm(peer);
        var consuming = Consume(peer.Connection, way);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await peer.SendFrameAsync(0xC2, bomb);
        await peer.ExpectCloseAsync(1009);
        (await consuming.WaitAsync(Guard)).ShouldBeLessThanOrEqualTo(Limit);
        (GC.GetTotalAllocatedBytes(precise: true) - before).ShouldBeLessThan(2_000_000);
        peer.Connection.CloseResult.ShouldNotBeNull().Code.ShouldBe(CloseCode.MessageTooBig);
        peer.Connection.Abort();
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task The_limit_is_exact(Way way, bool takeover)
    {
        foreach (var (size, fits) in new[] { (Limit - 1, true), (Limit, true), (Limit + 1, false), (Limit + 2, false) })
        {
            foreach (var noise in new[] { false, true })
            {
                var payload = new byte[size];
                if (noise) new Random(size).NextBytes(payload); // compressed it is larger than the limit
                var peer = Peer(takeover);
                var consuming = Consume(peer.Connection, way);
                await peer.SendFrameAsync(0xC2, Deflated(payload));
                if (fits) await peer.SendCloseAsync(1000);
                await peer.ExpectCloseAsync(fits ? 1000 : 1009);
                if (fits) (await consuming.WaitAsync(Guard)).ShouldBe(size);
                peer.Connection.Abort();
                await consuming.WaitAsync(Guard);
            }
        }
    }

    [Fact]
    public async Task A_message_that_inflates_to_nothing_is_bounded_too()
    {
        var peer = Peer(takeover: true);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        byte[] nothing = [.. Enumerable.Repeat(Wire.Hex("000000FFFF"), 10_000).SelectMany(b => b)];
        await peer.SendFrameAsync(0x42, nothing);
        for (var i = 0; i < 5; i++) await peer.SendFrameAsync(0x00, nothing);
        await peer.ExpectCloseAsync(1009);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
    }

    [Fact]
    public async Task A_compressed_size_out_of_all_bounds_is_refused_when_announced()
    {
        var peer = Peer(takeover: true);
        await peer.SendAsync(Wire.Hex("C2 FF 0000000010000000 37FA213D"));
        await peer.ExpectCloseAsync(1009);
    }

    [Fact]
    public async Task Very_many_final_blocks_are_no_burden()
    {
        var peer = Peer(takeover: true);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        byte[] finals = [.. Enumerable.Repeat(Wire.Hex("0300"), 100_000).SelectMany(b => b)];
        await peer.SendFrameAsync(0xC2, finals);
        using var message = await receiving.WaitAsync(Guard);
        message.Payload.Length.ShouldBe(0);
        peer.Connection.Abort();
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task The_message_behind_an_abandoned_one_is_understood(bool takeover)
    {
        using var deflater = new Deflater(new(15, 6, 8));
        var first = new byte[90_000];
        new Random(9).NextBytes(first.AsSpan(0, 60_000));
        byte[] second = [.. first[20_000..50_000]]; // refers to what nobody read
        foreach (var read in new[] { 0, 1, 30_000, 89_999, 90_000 })
        {
            var peer = Peer(takeover);
            var start = peer.Connection.ReadMessageAsync().AsTask();
            deflater.Forget();
            var one = CodecTests.Deflate(deflater, first, forget: !takeover);
            var sending = peer.SendAsync(Wire.Join(
                Wire.Frame(0x42, one[..7000], masked: true),
                Wire.Frame(0x80, one[7000..], masked: true),
                Wire.Frame(0xC2, CodecTests.Deflate(deflater, second, forget: !takeover), masked: true)));
            await using (var reader = (await start.WaitAsync(Guard)).ShouldNotBeNull())
            {
                var buffer = new byte[read];
                await reader.ReadExactlyAsync(buffer).AsTask().WaitAsync(Guard);
                buffer.ShouldBe(first[..read]);
            }
            using var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard);
            message.Payload.Span.SequenceEqual(second).ShouldBeTrue();
            await sending;
            peer.Connection.Abort();
        }
    }

    [Fact]
    public async Task A_cancelled_read_of_a_stream_loses_nothing()
    {
        var payload = new byte[50_000];
        new Random(2).NextBytes(payload);
        var deflated = Deflated(payload);
        var peer = Peer(takeover: true);
        var start = peer.Connection.ReadMessageAsync().AsTask();
        await peer.SendAsync(Wire.Frame(0xC2, deflated, masked: true)[..(deflated.Length / 2)]);
        await using var reader = (await start.WaitAsync(Guard)).ShouldNotBeNull();
        var seen = new List<byte>();
        var buffer = new byte[1000];
        using var cancel = new CancellationTokenSource();
        while (true)
        {
            var reading = reader.ReadAsync(buffer, cancel.Token).AsTask();
            if (!reading.IsCompleted)
            {
                await cancel.CancelAsync();
                await Should.ThrowAsync<OperationCanceledException>(reading.WaitAsync(Guard));
                break;
            }
            seen.AddRange(buffer[..await reading]);
        }
        await peer.SendAsync(Wire.Frame(0xC2, deflated, masked: true)[(deflated.Length / 2)..]);
        int length;
        while ((length = await reader.ReadAsync(buffer).AsTask().WaitAsync(Guard)) > 0) seen.AddRange(buffer[..length]);
        seen.ToArray().AsSpan().SequenceEqual(payload).ShouldBeTrue();
        peer.Connection.Abort();
    }

    private static RawPeer Peer(bool takeover)
        => new(options: new ConnectionOptions { MaxMessageSize = Limit }, compression: takeover ? Agreed : NoTakeover);

    private static byte[] Deflated(byte[] payload)
    {
        using var deflater = new Deflater(new(15, 6, 8));
        return CodecTests.Deflate(deflater, payload, forget: true);
    }

    private static async Task Warm(RawPeer peer)
    {
        await peer.SendFrameAsync(0xC2, Deflated(new byte[1000]));
        using var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Payload.Length.ShouldBe(1000);
    }

    // How many bytes the application saw.
    private static async Task<int> Consume(WebSocketConnection connection, Way way)
    {
        var seen = 0;
        switch (way)
        {
            case Way.Handler:
                await connection.RunAsync(new Counter(size => seen += size));
                break;
            case Way.Receive:
                while (true)
                {
                    using var message = await connection.ReceiveAsync();
                    if (message.IsClose) return seen;
                    seen += message.Payload.Length;
                }
            default:
                while (await connection.ReadMessageAsync() is { } reader)
                {
                    await using var message = reader;
                    if (way == Way.Abandoned) continue;
                    var buffer = new byte[999];
                    try
                    {
                        int length;
                        while ((length = await message.ReadAsync(buffer)) > 0) seen += length;
                    }
                    catch (WebSocketClosedException)
                    {
                        // The next call tells, too.
                    }
                }
                break;
        }
        return seen;
    }

    private sealed class Counter(Action<int> count) : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        {
            count(payload.Length);
            return default;
        }
    }
}
