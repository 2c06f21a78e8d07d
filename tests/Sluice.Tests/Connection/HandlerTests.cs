using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>What a handler may do, and what becomes of it.</summary>
public class HandlerTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    [Fact]
    public async Task A_handler_may_await_the_close_of_its_own_connection()
    {
        var peer = new RawPeer();
        var returned = new TaskCompletionSource<CloseResult>();
        var handler = new Scripted(async connection =>
        {
            await Task.Yield(); // off the loop's thread
            returned.SetResult(await connection.CloseAsync(CloseCode.GoingAway, "enough"));
        });
        var running = peer.Connection.RunAsync(handler);
        await peer.SendTextAsync("go");
        var sent = await returned.Task.WaitAsync(Guard);
        sent.Code.ShouldBe(CloseCode.GoingAway);
        sent.WasClean.ShouldBeFalse();
        await peer.ExpectCloseAsync(1001);
        await peer.SendCloseAsync(1001);
        var result = await running.WaitAsync(Guard);
        result.WasClean.ShouldBeTrue();
        result.ByPeer.ShouldBeFalse();
        handler.Events.ShouldBe(["open", "go", "close 1001"]);
    }

    [Fact]
    public async Task A_handler_may_dispose_its_own_connection()
    {
        var peer = new RawPeer();
        var handler = new Scripted(async connection =>
        {
            await connection.DisposeAsync();
        });
        var running = peer.Connection.RunAsync(handler);
        await peer.SendTextAsync("go");
        await peer.ExpectCloseAsync(1000);
        await peer.SendCloseAsync(1000);
        (await running.WaitAsync(Guard)).WasClean.ShouldBeTrue();
    }

    [Fact]
    public async Task A_handler_may_abort_its_own_connection()
    {
        var peer = new RawPeer();
        var handler = new Scripted(connection =>
        {
            connection.Abort();
            return default;
        });
        var running = peer.Connection.RunAsync(handler);
        await peer.SendTextAsync("go");
        (await running.WaitAsync(Guard)).Code.ShouldBe(CloseCode.AbnormalClosure);
        handler.Events.ShouldBe(["open", "go", "close 1006"]);
    }

    [Fact]
    public async Task Somebody_else_who_closes_while_a_handler_runs_waits_for_the_answer()
    {
        var peer = new RawPeer();
        var inside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new Scripted(async _ =>
        {
            inside.SetResult();
            await release.Task;
        });
        _ = peer.Connection.RunAsync(handler);
        await peer.SendTextAsync("go");
        await inside.Task.WaitAsync(Guard);
        var closing = peer.Connection.CloseAsync();
        await peer.ExpectCloseAsync(1000);
        await peer.SendCloseAsync(1000);
        closing.IsCompleted.ShouldBeFalse();
        release.SetResult();
        (await closing.WaitAsync(Guard)).WasClean.ShouldBeTrue();
    }

    [Fact]
    public async Task A_handler_that_never_returns_does_not_keep_those_who_dispose()
    {
        var time = new ManualTimeProvider();
        var peer = new RawPeer(options: new ConnectionOptions { TimeProvider = time });
        var inside = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = peer.Connection.RunAsync(new Scripted(async _ =>
        {
            inside.SetResult();
            await release.Task;
        }));
        await peer.SendTextAsync("go");
        await inside.Task.WaitAsync(Guard);
        var disposing = peer.Connection.DisposeAsync().AsTask();
        while (!disposing.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        peer.Connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        peer.Aborts.ShouldBe(1);
        release.SetResult();
        await running.WaitAsync(Guard);
    }

    [Fact]
    public async Task A_handler_that_throws_closes_with_1011_and_its_error_comes_out()
    {
        foreach (var asynchronously in new[] { false, true })
        {
            var peer = new RawPeer();
            var handler = new Scripted(async _ =>
            {
                if (asynchronously) await Task.Yield();
                throw new InvalidDataException("mine");
            });
            var running = peer.Connection.RunAsync(handler);
            await peer.SendTextAsync("go");
            await peer.ExpectCloseAsync(1011);
            await peer.SendCloseAsync(1011);
            (await Should.ThrowAsync<InvalidDataException>(running.WaitAsync(Guard))).Message.ShouldBe("mine");
            handler.Events.ShouldBe(["open", "go", "close 1011"]);
        }
    }

    [Theory]
    [InlineData(0x89)]
    [InlineData(0x8A)]
    public async Task A_callback_for_a_control_frame_that_throws_closes_with_1011(int first)
    {
        var peer = new RawPeer();
        var running = peer.Connection.RunAsync(new Thrower());
        await peer.SendFrameAsync(first, [1]);
        if (first == 0x89) await peer.ExpectAsync(0x8A, [1]);
        await peer.ExpectCloseAsync(1011);
        peer.EndInput();
        await Should.ThrowAsync<InvalidDataException>(running.WaitAsync(Guard));
    }

    [Fact]
    public async Task A_handler_that_sends_to_a_peer_gone_meanwhile_has_not_failed()
    {
        var peer = new RawPeer();
        var handler = new Scripted(async connection =>
        {
            peer.StopReading();
            while (true) await connection.SendAsync("echo");
        });
        var running = peer.Connection.RunAsync(handler);
        await peer.SendTextAsync("go");
        await peer.SendCloseAsync(1000);
        (await running.WaitAsync(Guard)).Code.ShouldBe(CloseCode.NormalClosure);
        handler.Events.ShouldBe(["open", "go", "close 1000"]);
    }

    [Fact]
    public async Task Another_connections_end_is_the_handlers_own_fault()
    {
        var other = new RawPeer();
        other.Connection.Abort();
        var peer = new RawPeer();
        var running = peer.Connection.RunAsync(new Scripted(_ => other.Connection.SendAsync("forward")));
        await peer.SendTextAsync("go");
        await peer.ExpectCloseAsync(1011);
        peer.EndInput();
        await Should.ThrowAsync<WebSocketClosedException>(running.WaitAsync(Guard));
    }

    [Fact]
    public async Task OnOpen_may_receive_by_calls_before_the_handler_takes_over()
    {
        var peer = new RawPeer();
        var handler = new Scripted(_ => default)
        {
            Open = async connection =>
            {
                using var hello = await connection.ReceiveAsync();
                hello.Text.ShouldBe("hello");
            },
        };
        var running = peer.Connection.RunAsync(handler);
        await peer.SendAsync(Wire.Join(Wire.Text("hello", masked: true), Wire.Text("one", masked: true), Wire.Close(1000, "", masked: true)));
        await running.WaitAsync(Guard);
        handler.Events.ShouldBe(["open", "one", "close 1000"]);
    }

    [Fact]
    public async Task OnOpen_that_throws_or_closes_is_followed_by_OnClose()
    {
        var peer = new RawPeer();
        var thrower = new Scripted(_ => default) { Open = _ => throw new InvalidDataException() };
        var running = peer.Connection.RunAsync(thrower);
        await peer.ExpectCloseAsync(1011);
        peer.EndInput();
        await Should.ThrowAsync<InvalidDataException>(running.WaitAsync(Guard));
        thrower.Events.ShouldBe(["open", "close 1011"]);

        var second = new RawPeer();
        var closer = new Scripted(_ => default) { Open = async connection => await connection.CloseAsync() };
        var closing = second.Connection.RunAsync(closer);
        await second.ExpectCloseAsync(1000);
        await second.SendCloseAsync(1000);
        (await closing.WaitAsync(Guard)).WasClean.ShouldBeTrue();
        closer.Events.ShouldBe(["open", "close 1000"]);
    }

    [Fact]
    public async Task A_handler_that_failed_in_OnOpen_gets_no_message()
    {
        var peer = new RawPeer();
        await peer.SendTextAsync("waits already");
        var thrower = new Scripted(_ => default) { Open = _ => throw new InvalidDataException() };
        var running = peer.Connection.RunAsync(thrower);
        await peer.ExpectCloseAsync(1011);
        await peer.SendTextAsync("comes later");
        await peer.SendCloseAsync(1011);
        await Should.ThrowAsync<InvalidDataException>(running.WaitAsync(Guard));
        thrower.Events.ShouldBe(["open", "close 1011"]);
    }

    [Fact]
    public async Task A_handler_that_comes_after_a_message_was_passed_over_gets_none_behind_it()
    {
        var peer = new RawPeer(early: Wire.Text("passed over", masked: true));
        var closing = peer.Connection.CloseAsync();
        await peer.ExpectCloseAsync(1000);
        var late = new Scripted(_ => default);
        var running = peer.Connection.RunAsync(late);
        await peer.SendTextAsync("behind a gap");
        await peer.SendCloseAsync(1000);
        (await running.WaitAsync(Guard)).WasClean.ShouldBeTrue();
        await closing.WaitAsync(Guard);
        late.Events.ShouldBe(["open", "close 1000"]);
    }

    [Fact]
    public async Task A_handler_that_was_refused_and_failed_does_not_leave_the_bytes_behind_a_message_unread()
    {
        var peer = new RawPeer(options: new ConnectionOptions { LingerTimeout = Timeout.InfiniteTimeSpan });
        var receiving = peer.Connection.ReceiveAsync(); // its result is not taken, so a handler may not come
        await peer.SendTextAsync("taken");
        await peer.SendTextAsync("not wanted by anybody");
        var thrower = new Scripted(_ => default) { Open = _ => throw new InvalidDataException() };
        await Should.ThrowAsync<InvalidOperationException>(peer.Connection.RunAsync(thrower));
        await peer.ExpectCloseAsync(1011);
        await peer.SendCloseAsync(1011);
        await peer.Connection.Released.WaitAsync(Guard);
        (await receiving).Dispose();
    }

    [Fact]
    public async Task A_message_that_came_for_a_cancelled_receive_goes_to_the_handler()
    {
        var peer = new RawPeer();
        await CancelReceiveInMidMessageAsync(peer);
        await peer.SendTextAsync("half", first: 0x80);
        await peer.SendFrameAsync(0x89, [2]);
        await peer.ExpectAsync(0x8A, [2]);
        var handler = new Scripted(_ => default);
        var running = peer.Connection.RunAsync(handler);
        await peer.SendTextAsync("second");
        await peer.SendCloseAsync(1000);
        await running.WaitAsync(Guard);
        handler.Events.ShouldBe(["open", "first half", "second", "close 1000"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_failed_in_OnOpen_does_not_get_that_message_either(bool hasCome)
    {
        var peer = new RawPeer();
        await CancelReceiveInMidMessageAsync(peer);
        if (hasCome)
        {
            await peer.SendTextAsync("half", first: 0x80);
            await peer.SendFrameAsync(0x89, [2]);
            await peer.ExpectAsync(0x8A, [2]);
        }
        var thrower = new Scripted(_ => default) { Open = _ => throw new InvalidDataException() };
        var running = peer.Connection.RunAsync(thrower);
        await peer.ExpectCloseAsync(1011);
        if (!hasCome) await peer.SendTextAsync("half", first: 0x80);
        await peer.SendCloseAsync(1011);
        await Should.ThrowAsync<InvalidDataException>(running.WaitAsync(Guard));
        thrower.Events.ShouldBe(["open", "close 1011"]);
    }

    [Fact]
    public async Task A_handler_and_a_receive_do_not_go_together()
    {
        var peer = new RawPeer();
        _ = peer.Connection.RunAsync(new Scripted(_ => default));
        Should.Throw<InvalidOperationException>(() => peer.Connection.ReceiveAsync());
        await Should.ThrowAsync<InvalidOperationException>(peer.Connection.RunAsync(new Scripted(_ => default)));
        peer.Connection.Abort();
    }

    // What is left is "first " of a message whose end has not come.
    private static async Task CancelReceiveInMidMessageAsync(RawPeer peer)
    {
        using var cancel = new CancellationTokenSource();
        var receiving = peer.Connection.ReceiveAsync(cancel.Token).AsTask();
        await peer.SendTextAsync("first ", first: 0x01);
        await peer.SendFrameAsync(0x89, [1]);
        await peer.ExpectAsync(0x8A, [1]); // so the message is under way
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(receiving);
    }

    private sealed class Scripted(Func<WebSocketConnection, ValueTask> onMessage) : IWebSocketHandler
    {
        public List<string> Events { get; } = [];

        public Func<WebSocketConnection, ValueTask> Open { get; init; } = _ => default;

        public ValueTask OnOpenAsync(WebSocketConnection connection)
        {
            Events.Add("open");
            return Open(connection);
        }

        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        {
            Events.Add(System.Text.Encoding.UTF8.GetString(payload.Span));
            return onMessage(connection);
        }

        public void OnClose(WebSocketConnection connection, CloseResult result) => Events.Add($"close {(int)result.Code}");
    }

    private sealed class Thrower : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload) => default;

        public void OnPing(WebSocketConnection connection, ReadOnlySpan<byte> payload) => throw new InvalidDataException();

        public void OnPong(WebSocketConnection connection, ReadOnlySpan<byte> payload) => throw new InvalidDataException();
    }
}
