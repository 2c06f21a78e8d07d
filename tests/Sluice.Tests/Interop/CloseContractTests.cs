using System.Net.WebSockets;
using Sluice.Protocol;

namespace Sluice.Tests.Interop;

/// <summary>The end of a WebSocket through the base class library's type: its own implementation and ours.</summary>
public class CloseContractTests : WebSocketContract
{
    [Theory]
    [MemberData(nameof(All))]
    public async Task A_close_frame_is_received_and_answered_by_hand(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendCloseAsync(1001, "going");
        await ReceiveCloseAsync(opened);
        opened.Socket.State.ShouldBe(WebSocketState.CloseReceived);
        opened.Socket.CloseStatus.ShouldBe(WebSocketCloseStatus.EndpointUnavailable);
        opened.Socket.CloseStatusDescription.ShouldBe("going");
        await SendTextAsync(opened, "last words");
        await CloseOutputAsync(opened, 4000, "bye");
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
        await opened.ExpectTextAsync("last words");
        await opened.ExpectCloseAsync(4000, "bye");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task The_other_receive_tells_the_code(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendCloseAsync(3999, "why");
        var result = await opened.Socket.ReceiveAsync(new ArraySegment<byte>(new byte[10]), default).WaitAsync(Opened.Guard);
        (result.MessageType, result.Count, result.EndOfMessage).ShouldBe((WebSocketMessageType.Close, 0, true));
        ((int?)result.CloseStatus, result.CloseStatusDescription).ShouldBe((3999, "why"));
        var closing = CloseAsync(opened, 1000, null);
        await opened.ExpectCloseAsync(1000);
        opened.Vanish(reset: false); // a client waits for the server to close the transport
        await closing;
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_close_frame_without_a_code_counts_as_normal(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendFrameAsync(0x88, []);
        await ReceiveCloseAsync(opened);
        opened.Socket.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
        opened.Socket.CloseStatusDescription.ShouldBe("");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Closing_waits_for_the_answer(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var closing = CloseAsync(opened, 1000, "done");
        await opened.ExpectCloseAsync(1000, "done");
        opened.Socket.State.ShouldBe(WebSocketState.CloseSent);
        closing.IsCompleted.ShouldBeFalse();
        await opened.SendCloseAsync(1000, "me too");
        if (role == Role.Client) opened.Vanish(reset: false);
        await closing;
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
        opened.Socket.CloseStatusDescription.ShouldBe("me too");
    }

    // The BCL's own puts 1005 on the wire, which RFC 6455 §7.4.1 forbids. Deliberate.
    [Theory]
    [MemberData(nameof(All))]
    public async Task Closing_without_a_code_sends_an_empty_close_frame(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await CloseOutputAsync(opened, (int)WebSocketCloseStatus.Empty, null);
        await opened.ExpectAsync(0x88, maker == Maker.Bcl ? [1005 >> 8, 1005 & 0xff] : []);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Messages_before_the_answer_are_passed_over_by_closing(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("half");
        (await ReceiveTextAsync(opened, room: 2)).ShouldBe("ha…");
        var closing = CloseAsync(opened);
        await opened.ExpectCloseAsync(1000);
        await opened.SendTextAsync("late");
        await opened.SendCloseAsync(1000);
        if (role == Role.Client) opened.Vanish(reset: false);
        await closing;
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task After_closing_the_output_messages_are_still_received(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await CloseOutputAsync(opened, 1000, "no more");
        opened.Socket.State.ShouldBe(WebSocketState.CloseSent);
        await opened.ExpectCloseAsync(1000, "no more");
        await opened.SendTextAsync("one");
        await opened.SendTextAsync("two");
        await opened.SendCloseAsync(1000, "all said");
        (await ReceiveTextAsync(opened)).ShouldBe("one");
        opened.Socket.State.ShouldBe(WebSocketState.CloseSent);
        (await ReceiveTextAsync(opened)).ShouldBe("two");
        if (role == Role.Client) opened.Vanish(reset: false);
        await ReceiveCloseAsync(opened);
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
        opened.Socket.CloseStatusDescription.ShouldBe("all said");
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Closing_beside_a_waiting_receive_ends_both(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var receiving = ReceiveCloseAsync(opened);
        var closing = CloseAsync(opened);
        await opened.ExpectCloseAsync(1000);
        await opened.SendCloseAsync(1000);
        if (role == Role.Client) opened.Vanish(reset: false);
        await receiving;
        await closing;
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Close_frames_that_cross_close(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendCloseAsync(1001);
        var closing = CloseAsync(opened, 1000);
        await opened.ExpectCloseAsync(1000);
        if (role == Role.Client) opened.Vanish(reset: false);
        await closing;
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
        opened.Socket.CloseStatus.ShouldBe(WebSocketCloseStatus.EndpointUnavailable);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task What_a_state_does_not_allow_is_refused(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await CloseOutputAsync(opened);
        await ShouldFailAsync(WebSocketError.InvalidState, () => SendTextAsync(opened, "too late"));
        await ShouldFailAsync(WebSocketError.InvalidState, () => CloseOutputAsync(opened));
        await opened.SendCloseAsync(1000);
        if (role == Role.Client) opened.Vanish(reset: false);
        await ReceiveCloseAsync(opened);
        await ShouldFailAsync(WebSocketError.InvalidState, () => SendTextAsync(opened, "too late"));
        await ShouldFailAsync(WebSocketError.InvalidState, () => CloseOutputAsync(opened));
        await ShouldFailAsync(WebSocketError.InvalidState, () => CloseAsync(opened));
        await ShouldFailAsync(WebSocketError.InvalidState, () => ReceiveAsync(opened, new byte[1]));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task After_the_peers_close_nothing_more_is_received(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendCloseAsync(1000);
        await ReceiveCloseAsync(opened);
        await ShouldFailAsync(WebSocketError.InvalidState, () => ReceiveAsync(opened, new byte[1]));
        opened.Socket.State.ShouldBe(WebSocketState.CloseReceived);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task What_a_close_frame_can_not_carry_is_refused(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await Should.ThrowAsync<ArgumentException>(() => CloseAsync(opened, 1000, new string('x', 124)));
        await Should.ThrowAsync<ArgumentException>(() => CloseOutputAsync(opened, 1000, new string('x', 124)));
        await Should.ThrowAsync<ArgumentException>(() => CloseAsync(opened, (int)WebSocketCloseStatus.Empty, "why"));
        await Should.ThrowAsync<ArgumentException>(() => CloseAsync(opened, 1006));
        await Should.ThrowAsync<ArgumentException>(() => CloseOutputAsync(opened, 999));
        opened.Socket.State.ShouldBe(WebSocketState.Open);
    }
}
