using System.Globalization;
using System.Text;
using Sluice.Compression;
using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc7692;

/// <summary>RFC 7692 §6.1 and §7.2.1: what is sent once compression is agreed to.</summary>
public class DeflatingTests
{
    // Every message is compressed, with as much of a window as is agreed.
    private static readonly CompressionOptions All = new() { Threshold = 0, WindowBits = 15, Level = 9 };

    [Theory, BothSides]
    public async Task Section_7_2_3_what_is_sent_is_what_the_examples_show(Side side)
    {
        await using var link = await Link.HoldAsync(side, compression: All, deflate: InflatingTests.Takeover);
        var connection = link.Connection!;
        foreach (var message in new[] { "Hello", "Hello", "" }) await connection.SendAsync(message).Guarded();
        await link.Peer.ShouldReadAsync(Frame.Text(Deflation.Hello).Rsv(4)); // §7.2.3.1
        await link.Peer.ShouldReadAsync(Frame.Text(Deflation.HelloAgain).Rsv(4)); // §7.2.3.2
        await link.Peer.ShouldReadAsync(Frame.Text([0x00]).Rsv(4)); // §7.2.3.6
    }

    [Theory, BothSides]
    public async Task Section_7_1_1_a_second_message_is_small_only_with_context_takeover(Side side)
    {
        var text = string.Concat(Enumerable.Range(0, 500).Select(i => (i * i).ToString(CultureInfo.InvariantCulture)));
        foreach (var agreement in new[] { InflatingTests.Takeover, InflatingTests.Alone })
        {
            await using var link = await Link.HoldAsync(side, compression: All, deflate: agreement);
            await link.Connection!.SendAsync(text).Guarded();
            await link.Connection!.SendAsync(text).Guarded();
            var (first, second) = (await link.Peer.ReadFrameAsync(), await link.Peer.ReadFrameAsync());
            first.First.ShouldBe((byte)0xc1);
            second.First.ShouldBe((byte)0xc1);
            if (agreement == InflatingTests.Alone) second.Payload.ShouldBe(first.Payload);
            else second.Payload.Length.ShouldBeLessThan(first.Payload.Length / 4);
            var inflation = new Inflation(side, agreement);
            Encoding.UTF8.GetString(inflation.Read(first.Payload)).ShouldBe(text);
            Encoding.UTF8.GetString(inflation.Read(second.Payload)).ShouldBe(text);
        }
    }

    [Theory]
    [InlineData(Side.Server, "server_no_context_takeover", true)]
    [InlineData(Side.Server, "client_no_context_takeover", false)]
    [InlineData(Side.Client, "client_no_context_takeover", true)]
    [InlineData(Side.Client, "server_no_context_takeover", false)]
    public async Task Section_7_1_1_each_direction_is_agreed_to_by_itself(Side side, string parameter, bool alone)
    {
        await using var link = await Link.HoldAsync(side, compression: All, deflate: $"permessage-deflate; {parameter}");
        var text = string.Concat(Enumerable.Range(0, 500).Select(i => (i * i).ToString(CultureInfo.InvariantCulture)));
        await link.Connection!.SendAsync(text).Guarded();
        await link.Connection!.SendAsync(text).Guarded();
        var (first, second) = (await link.Peer.ReadFrameAsync(), await link.Peer.ReadFrameAsync());
        (second.Payload.Length == first.Payload.Length).ShouldBe(alone);
    }

    public static IEnumerable<TheoryDataRow<Side, int>> Windows()
        => from side in new[] { Side.Server, Side.Client } from bits in Enumerable.Range(8, 8) select new TheoryDataRow<Side, int>(side, bits);

    [Theory, MemberData(nameof(Windows))]
    public async Task Section_7_1_2_no_message_refers_back_farther_than_the_agreed_window(Side side, int bits)
    {
        var agreement = $"permessage-deflate; {(side == Side.Server ? "server" : "client")}_max_window_bits={bits}";
        await using var link = await Link.HoldAsync(side, compression: All, deflate: agreement);
        // Something to refer to at every distance, in this message and in those before.
        var random = new Random(bits);
        var text = string.Concat(Enumerable.Range(0, 12_000).Select(_ => $"{random.Next(400):x3}"));
        var inflation = new Inflation(side, agreement);
        for (var i = 0; i < 3; i++)
        {
            await link.Connection!.SendAsync(text).Guarded();
            Encoding.UTF8.GetString(inflation.Read((await link.Peer.ReadFrameAsync()).Payload)).ShouldBe(text);
        }
        inflation.FarthestMatch.ShouldBeLessThanOrEqualTo(1 << bits);
        inflation.FarthestMatch.ShouldBeGreaterThan(1 << (bits - 2), "and it is made use of");
    }

    [Theory, BothSides]
    public async Task Section_6_1_only_the_first_frame_of_a_message_in_parts_has_the_bit(Side side)
    {
        await using var link = await Link.HoldAsync(side, compression: All, deflate: InflatingTests.Takeover);
        var message = await link.Connection!.OpenMessageAsync(MessageType.Text).Guarded();
        foreach (var part in new[] { "one, ", "two, ", "three" }) await message.WriteAsync(Encoding.UTF8.GetBytes(part)).Guarded();
        await message.DisposeAsync().Guarded();
        var frames = new List<Received>();
        do frames.Add(await link.Peer.ReadFrameAsync());
        while (!frames[^1].Fin);
        frames.Count.ShouldBeGreaterThan(1);
        frames[0].First.ShouldBe((byte)0x41);
        foreach (var frame in frames[1..]) (frame.First & 0x7f).ShouldBe(0);
        var whole = frames.SelectMany(frame => frame.Payload).ToArray();
        Encoding.UTF8.GetString(new Inflation(side, InflatingTests.Takeover).Read(whole)).ShouldBe("one, two, three");
    }

    [Theory, BothSides]
    public async Task Section_7_2_1_the_tail_of_a_fragment_that_is_not_the_last_is_not_removed(Side side)
    {
        await using var link = await Link.HoldAsync(side, compression: All, deflate: InflatingTests.Takeover);
        var message = await link.Connection!.OpenMessageAsync(MessageType.Binary).Guarded();
        await message.WriteAsync(new byte[] { 1, 2, 3 }).Guarded();
        var first = (await link.Peer.ReadFrameAsync()).Payload;
        await message.WriteAsync(new byte[] { 4, 5, 6 }).Guarded();
        var second = (await link.Peer.ReadFrameAsync()).Payload;
        await message.DisposeAsync().Guarded();
        (await link.Peer.ReadFrameAsync()).Payload.ShouldBeEmpty();
        // It may stand in either of the two: a fragment is any piece of the whole (§7.2.1).
        byte[] whole = [.. first, .. second];
        whole.AsSpan().IndexOf(new byte[] { 0x00, 0x00, 0xff, 0xff }).ShouldBeGreaterThan(0);
        new Inflation(side, InflatingTests.Takeover).Read(whole).ShouldBe([1, 2, 3, 4, 5, 6]);
    }

    [Theory, BothSides]
    public async Task Section_7_3_the_window_is_of_1024_bytes_or_more_when_nobody_asks_for_less(Side side)
    {
        await using var link = await Link.HoldAsync(side, compression: new() { Threshold = 0 }, deflate: InflatingTests.Takeover);
        var once = string.Concat(Enumerable.Range(0, 256).Select(i => $"{i * 257:x4}"));
        var inflation = new Inflation(side, InflatingTests.Takeover);
        foreach (var text in new[] { once, once })
        {
            await link.Connection!.SendAsync(text).Guarded();
            Encoding.UTF8.GetString(inflation.Read((await link.Peer.ReadFrameAsync()).Payload)).ShouldBe(text);
        }
        inflation.FarthestMatch.ShouldBe(1024, "the second message is found in the first");
    }

    [Theory, BothSides]
    public async Task Section_7_2_1_the_tail_is_taken_off(Side side)
    {
        await using var link = await Link.HoldAsync(side, compression: All, deflate: InflatingTests.Takeover);
        var inflation = new Inflation(side, InflatingTests.Takeover);
        foreach (var length in new[] { 0, 1, 10, 1000, 70_000 })
        {
            var payload = Enumerable.Range(0, length).Select(i => (byte)(i * i / 7)).ToArray();
            await link.Connection!.SendAsync(payload).Guarded();
            var frame = await link.Peer.ReadFrameAsync();
            frame.First.ShouldBe((byte)0xc2);
            frame.Payload.AsSpan().EndsWith(new byte[] { 0x00, 0x00, 0xff, 0xff }).ShouldBeFalse();
            inflation.Read(frame.Payload).AsSpan().SequenceEqual(payload).ShouldBeTrue($"{length}");
        }
    }

    [Theory, BothSides]
    public async Task Section_5_2_control_frames_are_not_compressed(Side side)
    {
        await using var link = await Link.HoldAsync(side, compression: All, deflate: InflatingTests.Takeover);
        var pinging = link.Connection!.PingAsync();
        var ping = await link.Peer.ReadFrameAsync();
        ping.First.ShouldBe((byte)0x89);
        await link.Peer.SendAsync(Frame.Pong(ping.Payload));
        var receiving = link.Connection.ReceiveAsync();
        await pinging.Guarded();
        var closing = link.Connection.CloseAsync(CloseCode.NormalClosure, new string('r', 100));
        await link.Peer.ShouldReadAsync(Frame.Close(1000, new string('r', 100)));
        await link.Peer.SendAsync(Frame.Close(1000));
        await link.Peer.ShouldEndInTurnAsync();
        await closing.Guarded();
        (await receiving.Guarded()).IsClose.ShouldBeTrue();
    }

    [Theory, BothSides]
    public async Task Section_6_1_a_message_that_goes_as_it_is_does_not_have_the_bit(Side side)
    {
        await using var link = await Link.HoldAsync(side, compression: All with { Threshold = 100 }, deflate: InflatingTests.Takeover);
        var inflation = new Inflation(side, InflatingTests.Takeover);
        foreach (var length in new[] { 99, 100, 0, 500 })
        {
            await link.Connection!.SendAsync(new string('x', length)).Guarded();
            var frame = await link.Peer.ReadFrameAsync();
            frame.First.ShouldBe((byte)(length < 100 ? 0x81 : 0xc1));
            inflation.Read(frame).ShouldBe(Frame.Text(new string('x', length)));
        }
    }
}
