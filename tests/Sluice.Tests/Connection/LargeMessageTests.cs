using System.Runtime.InteropServices;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>Large messages go through without a copy where the transport lets them: both ways from where they lie.</summary>
public class LargeMessageTests
{
    private const int Size = 40_000;
    private const int Binary = 0x82;

    private static readonly TimeSpan Guard = RawPeer.Guard;

    [Fact]
    public void A_message_that_comes_in_parts_is_lent_and_sent_from_the_transport_s_own_memory()
    {
        var transport = new OnePieceTransport(64 * 1024);
        _ = Echo(transport);
        var payload = Pattern(Size);
        var frame = Wire.Frame(Binary, payload, masked: true);
        transport.Feed(frame.AsSpan(0, 20_000));
        transport.Held.ShouldBe(20_000 - 8, "the header is done with, the payload waits where it is");
        transport.Direct.ShouldBeEmpty();
        transport.Feed(frame.AsSpan(20_000));
        transport.Held.ShouldBe(0);
        transport.Sent.ShouldBe(Wire.Frame(Binary, payload, masked: false));
        MemoryMarshal.TryGetArray(transport.Direct.ShouldHaveSingleItem(), out var sent).ShouldBeTrue();
        sent.Array.ShouldBeSameAs(transport.Memory);
        sent.Count.ShouldBe(Size);
    }

    [Fact]
    public void Wherever_it_is_cut_the_same_comes_back()
    {
        var payload = Pattern(3000);
        byte[] frames = [.. Wire.Frame(Binary, Pattern(5), masked: true), .. Wire.Frame(Binary, payload, masked: true), .. Wire.Text("end", masked: true)];
        byte[] expected = [.. Wire.Frame(Binary, Pattern(5), masked: false), .. Wire.Frame(Binary, payload, masked: false), .. Wire.Text("end", masked: false)];
        for (var cut = 1; cut < frames.Length; cut++)
        {
            foreach (var second in new[] { cut + 1, (cut + frames.Length) / 2, frames.Length })
            {
                var transport = new OnePieceTransport(8 * 1024);
                _ = Echo(transport);
                transport.Feed(frames.AsSpan(0, cut));
                transport.Feed(frames.AsSpan(cut, second - cut));
                transport.Feed(frames.AsSpan(second));
                transport.Sent.SequenceEqual(expected).ShouldBeTrue($"cut at {cut} and {second}");
            }
        }
    }

    [Fact]
    public void Few_bytes_of_a_message_do_not_hold_the_transport_s_memory()
    {
        var transport = new OnePieceTransport(64 * 1024);
        _ = Echo(transport);
        transport.Feed(Wire.Frame(Binary, Pattern(Size), masked: true).AsSpan(0, 1000));
        transport.Held.ShouldBe(0);
    }

    [Fact]
    public void A_message_that_does_not_fit_behind_what_has_come_does_not_hold_it_either()
    {
        var transport = new OnePieceTransport(64 * 1024);
        _ = Echo(transport);
        transport.Feed(Wire.Frame(Binary, Pattern(70_000), masked: true).AsSpan(0, 60_000));
        transport.Held.ShouldBe(0);
    }

    [Fact]
    public async Task Text_that_is_not_UTF8_fails_before_its_message_has_come_whole_8_1()
    {
        var transport = new OnePieceTransport(64 * 1024);
        var connection = Echo(transport);
        var payload = new byte[Size];
        payload.AsSpan().Fill((byte)'a');
        payload[19_000] = 0xFF;
        transport.Feed(Wire.Frame(0x81, payload, masked: true).AsSpan(0, 20_000));
        (await connection.Closed.WaitAsync(Guard)).Code.ShouldBe(CloseCode.InvalidPayloadData);
        connection.Abort();
    }

    [Fact]
    public async Task The_peer_s_end_in_the_middle_of_one_ends_the_connection()
    {
        var transport = new OnePieceTransport(64 * 1024);
        var connection = Echo(transport);
        transport.Feed(Wire.Frame(Binary, Pattern(Size), masked: true).AsSpan(0, 20_000));
        transport.End();
        (await connection.Closed.WaitAsync(Guard)).Code.ShouldBe(CloseCode.AbnormalClosure);
        await connection.Released.WaitAsync(Guard);
        transport.Held.ShouldBe(0);
    }

    [Fact]
    public async Task Whoever_does_not_wait_has_its_memory_copied()
    {
        var transport = new OnePieceTransport(64 * 1024);
        var connection = new WebSocketConnection(transport, Role.Server);
        connection.TrySend(MessageType.Binary, Pattern(Size)).ShouldBeTrue();
        transport.Direct.ShouldBeEmpty();
        await connection.SendAsync(Pattern(Size)).AsTask().WaitAsync(Guard);
        transport.Direct.Count.ShouldBe(1);
        var frame = Wire.Frame(Binary, Pattern(Size), masked: false);
        transport.Sent.ShouldBe([.. frame, .. frame]);
        connection.Abort();
    }

    [Fact]
    public async Task Memory_that_the_transport_still_reads_is_the_sender_s_again_only_when_it_does_not_any_more()
    {
        var transport = new OnePieceTransport(64 * 1024);
        var done = new TaskCompletionSource();
        transport.DirectDone = done.Task;
        var connection = new WebSocketConnection(transport, Role.Server);
        var direct = connection.SendAsync(Pattern(Size)).AsTask();
        var behind = connection.SendAsync(Pattern(5)).AsTask();
        connection.Abort();
        await Should.ThrowAsync<WebSocketClosedException>(behind.WaitAsync(Guard));
        direct.IsCompleted.ShouldBeFalse();
        done.SetResult();
        await direct.WaitAsync(Guard); // it was taken whole, after all
        await connection.Released.WaitAsync(Guard);
    }

    [Fact]
    public async Task A_client_s_payload_is_masked_on_its_way_and_stays_as_it_is()
    {
        var transport = new OnePieceTransport(64 * 1024);
        var connection = new WebSocketConnection(transport, Role.Client);
        var payload = Pattern(Size);
        await connection.SendAsync(payload).AsTask().WaitAsync(Guard);
        transport.Direct.ShouldBeEmpty();
        payload.ShouldBe(Pattern(Size));
        FrameHeader.TryParse(transport.Sent, out var header, out var length).ShouldBeTrue();
        var sent = transport.Sent.AsSpan(length).ToArray();
        Masking.Apply(sent, header.MaskingKey, 0);
        sent.ShouldBe(payload);
        connection.Abort();
    }

    private static WebSocketConnection Echo(OnePieceTransport transport)
    {
        var connection = new WebSocketConnection(transport, Role.Server);
        _ = connection.RunAsync(new EchoHandler());
        return connection;
    }

    private static byte[] Pattern(int size) => [.. Enumerable.Range(0, size).Select(i => (byte)(i * 31 >> 3))];

    private sealed class EchoHandler : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }
}
