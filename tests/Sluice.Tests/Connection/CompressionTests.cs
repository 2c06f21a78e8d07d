using System.Text;
using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Compression;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>Compressed messages on a connection, byte for byte where RFC 7692 has bytes.</summary>
public class CompressionTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    private static readonly DeflateAgreement Agreed = new() { Options = new() { Threshold = 0 } };

    private static readonly DeflateAgreement NoTakeover = Agreed with { ServerNoContextTakeover = true, ClientNoContextTakeover = true };

    public static TheoryData<Role> Roles => [Role.Server, Role.Client];

    [Theory]
    [InlineData("C1 07 F248CDC9C90700", "Hello")] // §7.2.3.1, one block
    [InlineData("41 03 F248CD 80 04 C9C90700", "Hello")] // §7.2.3.1, in two fragments
    [InlineData("C1 07 F248CDC9C90700 C1 05 F200110000", "Hello", "Hello")] // §7.2.3.2, the second refers to the first
    [InlineData("C1 0B 000500FAFF48656C6C6F00", "Hello")] // §7.2.3.3, a block without compression
    [InlineData("C1 08 F348CDC9C9070000", "Hello")] // §7.2.3.4, BFINAL set
    [InlineData("C1 08 F348CDC9C9070000 C1 07 F248CDC9C90700", "Hello", "Hello")] // …and the next message begins anew
    [InlineData("C1 07 F348CDC9C90700 C1 07 F248CDC9C90700", "Hello", "Hello")] // …without the byte that §7.2.3.4 has behind it
    [InlineData("C1 0D F248050000 00FFFF CAC9C90700", "Hello")] // §7.2.3.5, two blocks
    [InlineData("C1 01 00", "")] // §7.2.3.6, an empty message
    [InlineData("C1 02 0200", "")] // the same, as Chromium sends it
    [InlineData("C1 00", "")] // the same, wrong but plain
    [InlineData("41 00 00 07 F248CDC9C90700 80 00", "Hello")] // empty fragments around
    [InlineData("C1 07 F248CDC9C90700 81 02 6F6B C1 05 F200110000", "Hello", "ok", "Hello")] // §6: some messages compressed, others not
    public async Task The_examples_of_RFC_7692_are_understood(string wire, params string[] texts)
    {
        foreach (var role in new[] { Role.Server, Role.Client })
        {
            var peer = new RawPeer(role, compression: Agreed);
            await peer.SendAsync(Masked(Wire.Hex(wire), role));
            foreach (var text in texts)
            {
                using var message = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard);
                message.Text.ShouldBe(text);
            }
            peer.Connection.Abort();
        }
    }

    [Theory, MemberData(nameof(Roles))]
    public async Task What_is_sent_is_what_RFC_7692_shows(Role role)
    {
        var peer = new RawPeer(role, compression: Agreed);
        await peer.Connection.SendAsync("Hello");
        await peer.ExpectAsync(0xC1, Wire.Hex("F248CDC9C90700")); // §7.2.3.1
        await peer.Connection.SendAsync("Hello");
        await peer.ExpectAsync(0xC1, Wire.Hex("F200110000")); // §7.2.3.2
        await peer.Connection.SendAsync("");
        await peer.ExpectAsync(0xC1, [0x00]); // §7.2.3.6
        await peer.Connection.SendAsync(new byte[] { 1 });
        (await peer.ReadFrameAsync()).ShouldNotBeNull().First.ShouldBe(0xC2);
        peer.Connection.Abort();
    }

    [Theory, MemberData(nameof(Roles))]
    public async Task Without_context_takeover_each_message_stands_for_itself(Role role)
    {
        var peer = new RawPeer(role, compression: NoTakeover);
        var text = string.Concat(Enumerable.Repeat("over and over ", 20));
        await peer.Connection.SendAsync(text);
        var first = (await peer.ReadFrameAsync()).ShouldNotBeNull();
        await peer.Connection.SendAsync(text);
        await peer.ExpectAsync(0xC1, first.Payload);
        // What compression makes no smaller goes as it is.
        await peer.Connection.SendAsync("Hello");
        await peer.ExpectTextAsync("Hello");
        peer.Connection.Abort();
    }

    [Theory, MemberData(nameof(Roles))]
    public async Task Only_what_reaches_the_threshold_is_compressed(Role role)
    {
        var peer = new RawPeer(role, compression: Agreed with { Options = new() { Threshold = 100 } });
        await peer.Connection.SendAsync(new string('a', 99));
        await peer.ExpectTextAsync(new string('a', 99));
        await peer.Connection.SendAsync(new string('a', 100));
        (await peer.ReadFrameAsync()).ShouldNotBeNull().First.ShouldBe(0xC1);
        var ping = peer.Connection.PingAsync(); // §6.1: control frames never are
        (await peer.ReadFrameAsync()).ShouldNotBeNull().First.ShouldBe(0x89);
        peer.Connection.Abort();
        await Should.ThrowAsync<WebSocketClosedException>(ping);
    }

    [Theory]
    [InlineData(0xC0, 1002)] // RSV1 on a continuation without a message
    [InlineData(0xC9, 1002)] // on a ping
    [InlineData(0xCA, 1002)] // on a pong
    [InlineData(0xC8, 1002)] // on a close
    [InlineData(0xA1, 1002)] // RSV2
    [InlineData(0xE1, 1002)] // RSV1 and RSV2
    [InlineData(0x91, 1002)] // RSV3
    public async Task Reserved_bits_stay_reserved_elsewhere(int first, int code)
    {
        var peer = new RawPeer(compression: Agreed);
        await peer.SendFrameAsync(first, [0x00]);
        await peer.ExpectCloseAsync(code);
    }

    [Fact]
    public async Task RSV1_on_a_later_fragment_fails_the_connection()
    {
        var peer = new RawPeer(compression: Agreed);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        await peer.SendFrameAsync(0x41, Wire.Hex("F248CD"));
        await peer.SendFrameAsync(0xC0, Wire.Hex("C9C90700"));
        await peer.ExpectCloseAsync(1002);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Roles))]
    public async Task Control_frames_may_stand_between_compressed_fragments(Role role)
    {
        var peer = new RawPeer(role, compression: Agreed);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        await peer.SendFrameAsync(0x41, Wire.Hex("F248"));
        await peer.SendFrameAsync(0x89, [1, 2]);
        await peer.ExpectAsync(0x8A, [1, 2]);
        await peer.SendFrameAsync(0x00, Wire.Hex("CDC9"));
        await peer.SendFrameAsync(0x8A, []);
        await peer.SendFrameAsync(0x80, Wire.Hex("C90700"));
        using var message = await receiving.WaitAsync(Guard);
        message.Text.ShouldBe("Hello");
        peer.Connection.Abort();
    }

    [Theory]
    [InlineData("FF")] // block type 3
    [InlineData("0600000000")] // code lengths that make no code
    [InlineData("000500FAFE48656C6C6F00")] // a stored block whose lengths do not match
    [InlineData("0202AA")] // a way back before the beginning
    [InlineData("F248CD")] // cut off inside a block
    [InlineData("F248CDC9C9")]
    [InlineData("F348CDC9C90700FF")] // rubbish behind a final block
    [InlineData("48656C6C6F")] // not compressed at all
    public async Task What_is_no_DEFLATE_is_answered_with_1007(string payload)
    {
        foreach (var takeover in new[] { Agreed, NoTakeover })
        {
            var peer = new RawPeer(compression: takeover);
            var receiving = peer.Connection.ReceiveAsync().AsTask();
            await peer.SendFrameAsync(0xC2, Wire.Hex(payload));
            await peer.ExpectCloseAsync(1007);
            (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
            peer.Connection.CloseResult.ShouldNotBeNull().Reason.ShouldBe("compressed message not in DEFLATE format");
        }
    }

    [Fact]
    public async Task Text_is_checked_at_the_earliest_byte()
    {
        using var deflater = new Deflater(new(15, 0, 8)); // stored: bytes come out as they come in
        var deflated = CodecTests.Deflate(deflater, [.. "valid so far "u8, 0xED, 0xA0, .. "more that is never sent"u8], forget: false);
        var peer = new RawPeer(compression: Agreed);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        var frame = Wire.Frame(0xC1, deflated, masked: true);
        // The header, the stored block's five bytes, and text up to the byte that can't be.
        await peer.SendAsync(frame[..(6 + 5 + 13 + 1)]);
        await peer.SendAsync(frame[(6 + 5 + 13 + 1)..(6 + 5 + 13 + 2)]);
        await peer.ExpectCloseAsync(1007);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        peer.Connection.CloseResult.ShouldNotBeNull().Reason.ShouldBe("text message not UTF-8");
    }

    [Fact]
    public async Task Text_that_stops_inside_a_character_is_refused()
    {
        using var deflater = new Deflater(new(15, 6, 8));
        var peer = new RawPeer(compression: Agreed);
        var receiving = peer.Connection.ReceiveAsync().AsTask();
        await peer.SendFrameAsync(0xC1, CodecTests.Deflate(deflater, [0x61, 0xE2, 0x82], forget: false));
        await peer.ExpectCloseAsync(1007);
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Roles))]
    public async Task Messages_sent_in_parts_are_compressed_in_parts(Role role)
    {
        foreach (var agreement in new[] { Agreed, NoTakeover })
        {
            var peer = new RawPeer(role, compression: agreement);
            using var inflater = new Inflater();
            for (var round = 0; round < 3; round++)
            {
                var writer = await peer.Connection.OpenMessageAsync(MessageType.Text);
                string[] parts = ["one fish, two fish, ", "red fish, ", "blue fish, one fish, two fish"];
                var deflated = new List<byte>();
                foreach (var (i, part) in parts.Index())
                {
                    await writer.WriteAsync(Encoding.UTF8.GetBytes(part));
                    var frame = (await peer.ReadFrameAsync()).ShouldNotBeNull();
                    frame.First.ShouldBe(i == 0 ? 0x41 : 0x00);
                    deflated.AddRange(frame.Payload);
                }
                await writer.DisposeAsync();
                await peer.ExpectAsync(0x80, []);
                if (agreement == NoTakeover) inflater.Reset();
                Encoding.UTF8.GetString(CodecTests.Inflate(inflater, [.. deflated])).ShouldBe(string.Concat(parts));
            }
            await using (await peer.Connection.OpenMessageAsync(MessageType.Binary))
            {
                // Nothing is written.
            }
            await peer.ExpectAsync(0xC2, [0x00]);
            peer.Connection.Abort();
        }
    }

    [Fact]
    public async Task Parts_may_be_empty_and_the_last_one_need_not_be()
    {
        foreach (var agreement in new[] { Agreed, NoTakeover })
        {
            var peer = new RawPeer(compression: agreement);
            using var socket = peer.Connection.AsWebSocket();
            await socket.SendAsync(ReadOnlyMemory<byte>.Empty, System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: false, default);
            await socket.SendAsync(ReadOnlyMemory<byte>.Empty, System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: true, default);
            await peer.ExpectAsync(0x41, []);
            await peer.ExpectAsync(0x80, [0x00]);
            await socket.SendAsync("He"u8.ToArray(), System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: false, default);
            await socket.SendAsync(ReadOnlyMemory<byte>.Empty, System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: false, default);
            await socket.SendAsync("llo"u8.ToArray(), System.Net.WebSockets.WebSocketMessageType.Text, endOfMessage: true, default);
            var deflated = new List<byte>();
            for (var i = 0; i < 3; i++) deflated.AddRange((await peer.ReadFrameAsync()).ShouldNotBeNull().Payload);
            using var inflater = new Inflater();
            CodecTests.Inflate(inflater, [.. deflated]).ShouldBe("Hello"u8.ToArray());
            peer.Connection.Abort();
        }
    }

    [Fact]
    public async Task Messages_sent_in_parts_go_as_they_are_when_asked_for()
    {
        var peer = new RawPeer(compression: Agreed with { Options = new() { Threshold = 0, CompressStreams = false } });
        await using (var writer = await peer.Connection.OpenMessageAsync(MessageType.Text))
        {
            await writer.WriteAsync("plain"u8.ToArray());
        }
        await peer.ExpectAsync(0x01, "plain"u8.ToArray());
        await peer.ExpectAsync(0x80, []);
        await peer.Connection.SendAsync("Hello");
        await peer.ExpectAsync(0xC1, Wire.Hex("F248CDC9C90700"));
        peer.Connection.Abort();
    }

    [Fact]
    public async Task A_large_message_is_one_frame()
    {
        var peer = new RawPeer(compression: Agreed, window: 16 * 1024 * 1024);
        var payload = new byte[3_000_000];
        new Random(3).NextBytes(payload.AsSpan(1_000_000));
        await peer.Connection.SendAsync(payload).AsTask().WaitAsync(Guard);
        var frame = (await peer.ReadFrameAsync()).ShouldNotBeNull();
        frame.First.ShouldBe(0xC2);
        using var inflater = new Inflater();
        CodecTests.Inflate(inflater, frame.Payload, room: 65536).AsSpan().SequenceEqual(payload).ShouldBeTrue();
        peer.Connection.Abort();
    }

    [Theory, MemberData(nameof(Roles))]
    public async Task A_prepared_message_is_compressed_by_itself_and_the_context_survives_it(Role role)
    {
        var text = string.Concat(Enumerable.Repeat("the same for everybody ", 10));
        var prepared = new PreparedMessage(text);
        byte[]? shared = null;
        foreach (var agreement in new[] { Agreed, NoTakeover, Agreed })
        {
            var peer = new RawPeer(role, compression: agreement);
            using var inflater = new Inflater();
            for (var round = 0; round < 3; round++)
            {
                await peer.Connection.SendAsync(text);
                await Inflated();
                await peer.Connection.SendAsync(prepared);
                var deflated = await Inflated();
                deflated.ShouldBe(shared ??= deflated);
                peer.Connection.TrySend(prepared).ShouldBeTrue();
                (await Inflated()).ShouldBe(shared);
            }
            peer.Connection.Abort();

            async Task<byte[]> Inflated()
            {
                var frame = (await peer.ReadFrameAsync()).ShouldNotBeNull();
                frame.First.ShouldBe(0xC1);
                if (agreement == NoTakeover) inflater.Reset();
                Encoding.UTF8.GetString(CodecTests.Inflate(inflater, frame.Payload)).ShouldBe(text);
                return frame.Payload;
            }
        }
    }

    [Fact]
    public async Task A_prepared_message_that_compression_makes_no_smaller_goes_as_it_is()
    {
        var noise = new byte[300];
        new Random(4).NextBytes(noise);
        var prepared = new PreparedMessage(MessageType.Binary, noise);
        var peer = new RawPeer(compression: Agreed);
        await peer.Connection.SendAsync(prepared);
        await peer.ExpectAsync(0x82, noise);
        peer.Connection.Abort();
    }

    private static byte[] Masked(byte[] frames, Role role)
    {
        if (role == Role.Client) return frames;
        var masked = new List<byte>();
        for (var at = 0; at < frames.Length;)
        {
            int length = frames[at + 1];
            masked.AddRange(Wire.Frame(frames[at], frames[(at + 2)..(at + 2 + length)], masked: true));
            at += 2 + length;
        }
        return [.. masked];
    }
}
