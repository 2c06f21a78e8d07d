using System.Net.WebSockets;
using System.Text;
using Sluice.Protocol;

namespace Sluice.Tests.Interop;

/// <summary>Messages through the base class library's type: its own implementation and ours, with the same expectations.</summary>
public class MessageContractTests : WebSocketContract
{
    [Theory]
    [MemberData(nameof(All))]
    public async Task It_begins_open(Maker maker, Role role)
    {
        await using var opened = await Opened.CreateAsync(maker, role, subprotocol: "chat");
        opened.Socket.State.ShouldBe(WebSocketState.Open);
        opened.Socket.SubProtocol.ShouldBe("chat");
        opened.Socket.CloseStatus.ShouldBeNull();
        opened.Socket.CloseStatusDescription.ShouldBeNull();
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Both_ways_to_receive_give_the_message(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendFrameAsync(0x82, [1, 2, 3]);
        await opened.SendTextAsync("four");
        var buffer = new byte[10];
        var first = await opened.Socket.ReceiveAsync(new ArraySegment<byte>(buffer, 2, 8), default).WaitAsync(Opened.Guard);
        (first.Count, first.MessageType, first.EndOfMessage).ShouldBe((3, WebSocketMessageType.Binary, true));
        buffer.ShouldBe([0, 0, 1, 2, 3, 0, 0, 0, 0, 0]);
        (await ReceiveTextAsync(opened)).ShouldBe("four");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_message_larger_than_the_buffer_comes_in_parts(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("0123456789");
        (await ReceiveTextAsync(opened, room: 4)).ShouldBe("0123…");
        (await ReceiveTextAsync(opened, room: 4)).ShouldBe("4567…");
        (await ReceiveTextAsync(opened, room: 4)).ShouldBe("89");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task The_end_is_told_with_the_last_byte_when_the_buffer_fits_exactly(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("01234567");
        (await ReceiveTextAsync(opened, room: 4)).ShouldBe("0123…");
        (await ReceiveTextAsync(opened, room: 4)).ShouldBe("4567");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_fragment_is_received_before_the_next_one_is_sent(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("one ", first: 0x01);
        (await ReceiveTextAsync(opened)).ShouldBe("one …");
        await opened.SendTextAsync("message", first: 0x80);
        (await ReceiveTextAsync(opened)).ShouldBe("message");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task An_empty_last_fragment_ends_the_message(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("all", first: 0x01);
        await opened.SendTextAsync("", first: 0x80);
        (await ReceiveTextAsync(opened)).ShouldBe("all…");
        (await ReceiveTextAsync(opened)).ShouldBe("");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_frame_that_comes_in_pieces_fills_the_buffer(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var frame = Sluice.Tests.Protocol.Wire.Text("0123456789", masked: role == Role.Server);
        await opened.SendAsync(frame[..^6]);
        var receiving = ReceiveTextAsync(opened);
        await opened.SendAsync(frame[^6..^2]);
        await opened.SendAsync(frame[^2..]);
        (await receiving).ShouldBe("0123456789");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task An_empty_message_is_received(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("");
        (await ReceiveTextAsync(opened)).ShouldBe("");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_receive_without_a_buffer_waits_for_a_message_and_takes_nothing(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var waiting = ReceiveTextAsync(opened, room: 0);
        waiting.IsCompleted.ShouldBeFalse();
        await opened.SendTextAsync("here");
        (await waiting).ShouldBe("…");
        (await ReceiveTextAsync(opened, room: 2)).ShouldBe("he…");
        (await ReceiveTextAsync(opened, room: 0)).ShouldBe("…");
        (await ReceiveTextAsync(opened, room: 2)).ShouldBe("re");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_receive_without_a_buffer_takes_an_empty_message(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("");
        await opened.SendTextAsync("next");
        (await ReceiveTextAsync(opened, room: 0)).ShouldBe("");
        (await ReceiveTextAsync(opened)).ShouldBe("next");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Pings_between_fragments_are_answered_and_not_seen(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("a", first: 0x01);
        await opened.SendTextAsync("ping", first: 0x89);
        await opened.SendTextAsync("unasked", first: 0x8a);
        await opened.SendTextAsync("b", first: 0x80);
        (await ReceiveTextAsync(opened)).ShouldBe("a…");
        (await ReceiveTextAsync(opened)).ShouldBe("b");
        await opened.ExpectTextAsync("ping", first: 0x8a);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_way_to_send_sends_whole_messages(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var socket = opened.Socket;
        await socket.SendAsync(new ArraySegment<byte>([0, 1, 2, 3], 1, 2), WebSocketMessageType.Binary, endOfMessage: true, default);
        await opened.ExpectAsync(0x82, [1, 2]);
        await SendTextAsync(opened, "two");
        await opened.ExpectTextAsync("two");
        await socket.SendAsync(
            "three"u8.ToArray().AsMemory(), WebSocketMessageType.Text, WebSocketMessageFlags.EndOfMessage | WebSocketMessageFlags.DisableCompression, default);
        await opened.ExpectTextAsync("three");
        await SendTextAsync(opened, "");
        await opened.ExpectTextAsync("");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_message_that_does_not_end_goes_on_with_the_next_send(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await SendTextAsync(opened, "a", ends: false);
        await SendTextAsync(opened, "", ends: false);
        await opened.Socket.SendAsync("b"u8.ToArray().AsMemory(), WebSocketMessageType.Text, WebSocketMessageFlags.None, default);
        await SendTextAsync(opened, "c");
        await SendTextAsync(opened, "next");
        await opened.ExpectTextAsync("a", first: 0x01);
        await opened.ExpectTextAsync("", first: 0x00);
        await opened.ExpectTextAsync("b", first: 0x00);
        await opened.ExpectTextAsync("c", first: 0x80);
        await opened.ExpectTextAsync("next");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Large_messages_go_both_ways_through_the_usual_loop(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var echoing = EchoAsync(opened.Socket);
        var payload = new byte[300_000];
        new Random(7).NextBytes(payload);
        var sending = opened.SendFrameAsync(0x82, payload);
        var received = new List<byte>();
        (int First, byte[] Payload) frame;
        do
        {
            frame = await opened.ReadFrameAsync();
            received.AddRange(frame.Payload);
        }
        while ((frame.First & 0x80) == 0);
        await sending;
        received.ToArray().ShouldBe(payload);
        await opened.SendCloseAsync(1000, "done");
        await opened.ExpectCloseAsync(1000, "done");
        await echoing.WaitAsync(Opened.Guard);
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task The_BCLs_stream_runs_on_it(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await using var stream = WebSocketStream.Create(opened.Socket, WebSocketMessageType.Binary, closeTimeout: Opened.Guard);
        await opened.SendFrameAsync(0x82, [1, 2, 3]);
        var buffer = new byte[3];
        await stream.ReadExactlyAsync(buffer).AsTask().WaitAsync(Opened.Guard);
        await stream.WriteAsync(buffer).AsTask().WaitAsync(Opened.Guard);
        await opened.ExpectAsync(0x82, [1, 2, 3]);
        await opened.SendCloseAsync(1000);
        (await stream.ReadAsync(buffer).AsTask().WaitAsync(Opened.Guard)).ShouldBe(0);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_close_is_no_message_to_send(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await Should.ThrowAsync<ArgumentException>(
            async () => await opened.Socket.SendAsync(new byte[1].AsMemory(), WebSocketMessageType.Close, true, default));
        await Should.ThrowAsync<ArgumentException>(() => opened.Socket.SendAsync(default(ArraySegment<byte>), WebSocketMessageType.Text, true, default));
        await Should.ThrowAsync<ArgumentException>(() => opened.Socket.ReceiveAsync(default(ArraySegment<byte>), default));
        opened.Socket.State.ShouldBe(WebSocketState.Open);
    }

    // Written as the documentation of ASP.NET Core writes it.
    private static async Task EchoAsync(WebSocket socket)
    {
        var buffer = new byte[4096];
        var result = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None);
        while (!result.CloseStatus.HasValue)
        {
            await socket.SendAsync(new ArraySegment<byte>(buffer, 0, result.Count), result.MessageType, result.EndOfMessage, CancellationToken.None);
            result = await socket.ReceiveAsync(new ArraySegment<byte>(buffer), CancellationToken.None);
        }
        await socket.CloseAsync(result.CloseStatus.Value, result.CloseStatusDescription, CancellationToken.None);
    }
}
