using System.Net.WebSockets;
using Sluice.Protocol;

namespace Sluice.Tests.Interop;

/// <summary>A WebSocket that fails, through the base class library's type: its own implementation and ours.</summary>
public class FailureContractTests : WebSocketContract
{
    public static TheoryData<Maker, Role, bool> AllEnds => new()
    {
        { Maker.Bcl, Role.Server, false }, { Maker.Bcl, Role.Client, false }, { Maker.Bcl, Role.Server, true }, { Maker.Bcl, Role.Client, true },
        { Maker.Sluice, Role.Server, false }, { Maker.Sluice, Role.Client, false }, { Maker.Sluice, Role.Server, true }, { Maker.Sluice, Role.Client, true },
    };

    [Theory]
    [MemberData(nameof(AllEnds))]
    public async Task A_peer_that_vanishes_is_told_to_the_receiver(Maker maker, Role role, bool reset)
    {
        await using var opened = await OpenAsync(maker, role);
        var receiving = ReceiveAsync(opened, new byte[10]);
        opened.Vanish(reset);
        await ShouldFailAsync(WebSocketError.ConnectionClosedPrematurely, () => receiving);
        opened.Socket.State.ShouldBe(WebSocketState.Aborted);
        opened.Socket.CloseStatus.ShouldBeNull();
        await ShouldFailAsync(WebSocketError.InvalidState, () => ReceiveAsync(opened, new byte[10]));
        await ShouldFailAsync(WebSocketError.InvalidState, () => SendTextAsync(opened, "anybody?"));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_peer_that_vanishes_inside_a_message_is_told(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("half", first: 0x01);
        (await ReceiveTextAsync(opened)).ShouldBe("half…");
        opened.Vanish(reset: false);
        await ShouldFailAsync(WebSocketError.ConnectionClosedPrematurely, () => ReceiveAsync(opened, new byte[10]));
        opened.Socket.State.ShouldBe(WebSocketState.Aborted);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_peer_that_vanishes_instead_of_answering_is_told_to_who_closes(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var closing = CloseAsync(opened);
        await opened.ExpectCloseAsync(1000);
        opened.Vanish(reset: false);
        await ShouldFailAsync(WebSocketError.ConnectionClosedPrematurely, () => closing);
        opened.Socket.State.ShouldBe(WebSocketState.Aborted);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_peer_that_breaks_the_protocol_is_told_so(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendTextAsync("reserved opcode", first: 0x83);
        await ShouldFailAsync(WebSocketError.Faulted, () => ReceiveAsync(opened, new byte[100]));
        opened.Socket.State.ShouldBe(WebSocketState.Aborted);
        await opened.ExpectCloseCodeAsync(1002);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_text_that_stops_inside_a_character_fails(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        await opened.SendFrameAsync(0x81, [(byte)'a', 0xe2, 0x82]);
        await ShouldFailAsync(WebSocketError.Faulted, () => ReceiveAsync(opened, new byte[100]));
        opened.Socket.State.ShouldBe(WebSocketState.Aborted);
        await opened.ExpectCloseCodeAsync(1007);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Aborting_ends_a_waiting_receive(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var receiving = ReceiveAsync(opened, new byte[10]);
        opened.Socket.Abort();
        opened.Socket.State.ShouldBe(WebSocketState.Aborted);
        await Should.ThrowAsync<OperationCanceledException>(() => receiving);
        await ShouldFailAsync(WebSocketError.InvalidState, () => ReceiveAsync(opened, new byte[10]));
        await ShouldFailAsync(WebSocketError.InvalidState, () => CloseAsync(opened));
        await opened.ExpectEndAsync();
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Disposing_ends_the_transport_without_a_close_frame(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        opened.Socket.Dispose();
        opened.Socket.Dispose();
        opened.Socket.State.ShouldBe(WebSocketState.Closed);
        await opened.ExpectEndAsync();
        await Should.ThrowAsync<Exception>(() => ReceiveAsync(opened, new byte[10]));
        await Should.ThrowAsync<Exception>(() => SendTextAsync(opened, "gone"));
    }

    // The BCL's own aborts a WebSocket whose receive is cancelled, so that a caller who stops waiting loses the connection;
    // ours goes on, and no byte is lost. Deliberate.
    [Theory]
    [MemberData(nameof(All))]
    public async Task A_cancelled_receive_ends_the_wait(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        using var cancel = new CancellationTokenSource();
        var receiving = ReceiveAsync(opened, new byte[10], cancel.Token);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => receiving);
        opened.Socket.State.ShouldBe(maker == Maker.Bcl ? WebSocketState.Aborted : WebSocketState.Open);
        if (maker == Maker.Bcl) return;
        await opened.SendTextAsync("still here");
        (await ReceiveTextAsync(opened)).ShouldBe("still here");
    }

    // As above.
    [Theory]
    [MemberData(nameof(All))]
    public async Task A_send_that_was_cancelled_before_sends_nothing(Maker maker, Role role)
    {
        await using var opened = await OpenAsync(maker, role);
        var cancelled = new CancellationToken(canceled: true);
        await Should.ThrowAsync<OperationCanceledException>(
            () => opened.Socket.SendAsync(new byte[1].AsMemory(), WebSocketMessageType.Binary, true, cancelled).AsTask());
        if (maker == Maker.Bcl) return;
        await Should.ThrowAsync<OperationCanceledException>(
            () => opened.Socket.SendAsync(new byte[1].AsMemory(), WebSocketMessageType.Binary, false, cancelled).AsTask());
        opened.Socket.State.ShouldBe(WebSocketState.Open);
        await SendTextAsync(opened, "first");
        await opened.ExpectTextAsync("first");
    }
}
