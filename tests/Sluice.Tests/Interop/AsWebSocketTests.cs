using System.Net.WebSockets;
using System.Text;
using Sluice.Protocol;
using Sluice.Tests.Connection;

namespace Sluice.Tests.Interop;

/// <summary>What only a connection of ours has: a grace for the answer to a close, others who close it, its other ways to receive.</summary>
public class AsWebSocketTests
{
    [Fact]
    public async Task A_close_that_its_user_does_not_answer_is_answered_when_the_close_timeout_is_over()
    {
        var time = new ManualTimeProvider();
        var peer = new RawPeer(options: new ConnectionOptions { TimeProvider = time, CloseTimeout = TimeSpan.FromSeconds(5), KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var socket = peer.Connection.AsWebSocket();
        await peer.SendCloseAsync(1001, "bye");
        (await ReceiveAsync(socket)).MessageType.ShouldBe(WebSocketMessageType.Close);
        socket.State.ShouldBe(WebSocketState.CloseReceived);
        peer.Connection.State.ShouldBe(ConnectionState.Open);

        await PassAsync(time, peer.Connection);
        await peer.ExpectCloseAsync(1001);
        var result = await peer.Connection.Closed.WaitAsync(RawPeer.Guard);
        (result.WasClean, result.ByPeer).ShouldBe((true, true));
        socket.State.ShouldBe(WebSocketState.CloseReceived);
        var tooLate = await Should.ThrowAsync<WebSocketException>(() => socket.SendAsync(new byte[1].AsMemory(), WebSocketMessageType.Binary, true, default).AsTask());
        tooLate.WebSocketErrorCode.ShouldBe(WebSocketError.InvalidState);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", default).WaitAsync(RawPeer.Guard);
        socket.State.ShouldBe(WebSocketState.Closed);
    }

    [Fact]
    public async Task A_close_that_nobody_has_received_is_answered_in_time_too()
    {
        var time = new ManualTimeProvider();
        var peer = new RawPeer(options: new ConnectionOptions { TimeProvider = time, CloseTimeout = TimeSpan.FromSeconds(5), KeepAliveInterval = Timeout.InfiniteTimeSpan });
        var socket = peer.Connection.AsWebSocket();
        await peer.SendCloseAsync(1001, "bye");
        socket.State.ShouldBe(WebSocketState.Open);
        await PassAsync(time, peer.Connection);
        await peer.ExpectCloseAsync(1001);
        socket.State.ShouldBe(WebSocketState.CloseReceived);
        (await ReceiveAsync(socket)).MessageType.ShouldBe(WebSocketMessageType.Close);
        socket.CloseStatusDescription.ShouldBe("bye");
    }

    [Fact]
    public async Task Disposing_answers_the_peers_close()
    {
        var peer = new RawPeer();
        var socket = peer.Connection.AsWebSocket();
        await peer.SendCloseAsync(4001);
        await ReceiveAsync(socket);
        socket.Dispose();
        await peer.ExpectCloseAsync(4001);
        await peer.ExpectEndAsync();
    }

    [Fact]
    public async Task Disposing_after_a_close_frame_was_sent_lets_it_arrive()
    {
        var peer = new RawPeer();
        var socket = peer.Connection.AsWebSocket();
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
        socket.Dispose();
        await peer.ExpectCloseAsync(1000);
        await peer.SendTextAsync("passed over");
        await peer.SendCloseAsync(1000);
        (await peer.Connection.Released.WaitAsync(RawPeer.Guard)).WasClean.ShouldBeTrue();
        peer.Aborts.ShouldBe(0);
    }

    [Fact]
    public async Task A_connection_that_its_host_closes_ends_the_receive_with_a_close()
    {
        var peer = new RawPeer();
        var socket = peer.Connection.AsWebSocket();
        var receiving = ReceiveAsync(socket);
        var closing = peer.Connection.CloseAsync(CloseCode.GoingAway, "stopping");
        await peer.ExpectCloseAsync(1001);
        await peer.SendCloseAsync(1001);
        (await receiving).MessageType.ShouldBe(WebSocketMessageType.Close);
        (await closing).WasClean.ShouldBeTrue();
        socket.State.ShouldBe(WebSocketState.CloseReceived);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "", default).WaitAsync(RawPeer.Guard);
        socket.State.ShouldBe(WebSocketState.Closed);
    }

    [Fact]
    public async Task A_violation_behind_a_received_message_still_fails()
    {
        var peer = new RawPeer();
        var socket = peer.Connection.AsWebSocket();
        await peer.SendTextAsync("good");
        await peer.SendTextAsync("bad", first: 0x83);
        (await ReceiveAsync(socket)).Count.ShouldBe(4);
        var error = await Should.ThrowAsync<WebSocketException>(() => ReceiveAsync(socket));
        error.WebSocketErrorCode.ShouldBe(WebSocketError.Faulted);
        await peer.ExpectCloseAsync(1002);
    }

    [Fact]
    public async Task A_receive_that_is_cancelled_inside_a_frame_gives_what_has_come()
    {
        var peer = new RawPeer();
        var socket = peer.Connection.AsWebSocket();
        var frame = Sluice.Tests.Protocol.Wire.Text("0123456789", masked: true);
        using var cancel = new CancellationTokenSource();
        var buffer = new byte[10];
        await peer.SendAsync(frame[..^4]);
        (await socket.ReceiveAsync(Memory<byte>.Empty, default).AsTask().WaitAsync(RawPeer.Guard)).Count.ShouldBe(0); // it is here
        var receiving = socket.ReceiveAsync(buffer.AsMemory(), cancel.Token).AsTask();
        await cancel.CancelAsync();
        var part = await receiving.WaitAsync(RawPeer.Guard);
        (part.Count, part.EndOfMessage).ShouldBe((6, false));
        await Should.ThrowAsync<OperationCanceledException>(() => socket.ReceiveAsync(buffer.AsMemory(6), cancel.Token).AsTask());
        await peer.SendAsync(frame[^4..]);
        part = await socket.ReceiveAsync(buffer.AsMemory(6), default).AsTask().WaitAsync(RawPeer.Guard);
        (part.Count, part.EndOfMessage).ShouldBe((4, true));
        Encoding.UTF8.GetString(buffer).ShouldBe("0123456789");
    }

    [Fact]
    public async Task Whole_messages_of_many_senders_do_not_mix_with_fragments()
    {
        var peer = new RawPeer();
        var socket = peer.Connection.AsWebSocket();
        await socket.SendAsync("a"u8.ToArray().AsMemory(), WebSocketMessageType.Text, endOfMessage: false, default);
        var other = peer.Connection.SendAsync("whole");
        other.IsCompleted.ShouldBeFalse();
        await socket.SendAsync("b"u8.ToArray().AsMemory(), WebSocketMessageType.Text, endOfMessage: true, default);
        await other.AsTask().WaitAsync(RawPeer.Guard);
        await peer.ExpectAsync(0x01, "a"u8.ToArray());
        await peer.ExpectAsync(0x80, "b"u8.ToArray());
        await peer.ExpectTextAsync("whole");
    }

    [Fact]
    public async Task There_is_one_of_a_connection_and_none_beside_a_handler()
    {
        var peer = new RawPeer();
        peer.Connection.AsWebSocket().ShouldBeSameAs(peer.Connection.AsWebSocket());
        var other = new RawPeer();
        _ = other.Connection.RunAsync(new Silent());
        Should.Throw<InvalidOperationException>(() => other.Connection.AsWebSocket());
        var third = new RawPeer(Role.Client);
        _ = third.Connection.ReceiveAsync();
        Should.Throw<InvalidOperationException>(() => third.Connection.AsWebSocket());
        await Task.CompletedTask;
    }

    // The grace begins on the receive loop, some time after the close frame was handed over.
    private static async Task PassAsync(ManualTimeProvider time, WebSocketConnection connection)
    {
        while (connection.CloseResult is null)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }

    private static async Task<ValueWebSocketReceiveResult> ReceiveAsync(WebSocket socket)
        => await socket.ReceiveAsync(new byte[100].AsMemory(), CancellationToken.None).AsTask().WaitAsync(RawPeer.Guard);

    private sealed class Silent : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload) => default;
    }
}
