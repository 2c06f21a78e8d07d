using System.IO.Pipelines;
using Sluice.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>On which thread a connection's code runs when the transport has threads of its own.</summary>
public sealed class SchedulingTests : IDisposable
{
    private readonly OwnThread _thread = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_handler(bool inline)
    {
        var (server, client) = Open(inline);
        var thread = new TaskCompletionSource<Thread>(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = server.RunAsync(new Calling(() => thread.SetResult(Thread.CurrentThread)));
        await client.SendAsync("where?");
        ShouldBeRight(await thread.Task.WaitAsync(RawPeer.Guard), inline);
        await CloseAsync(client);
        await running.WaitAsync(RawPeer.Guard);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_receives_by_calls(bool inline)
    {
        var (server, client) = Open(inline);
        var receiving = ReceiveAsync(server);
        await client.SendAsync("where?");
        ShouldBeRight(await receiving.WaitAsync(RawPeer.Guard), inline);
        var end = server.ReceiveAsync();
        await CloseAsync(client);
        (await end.AsTask().WaitAsync(RawPeer.Guard)).IsClose.ShouldBeTrue();
    }

    [Fact]
    public async Task A_handler_that_blocks_holds_up_no_other_connection_of_its_thread()
    {
        var (blocking, first) = Open(inline: false);
        var (other, second) = Open(inline: false);
        using var release = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = blocking.RunAsync(new Calling(() =>
        {
            blocked.SetResult();
            release.Wait(RawPeer.Guard).ShouldBeTrue();
        }));
        var echo = other.RunAsync(new Calling(() => other.TrySend(MessageType.Text, "here"u8.ToArray()).ShouldBeTrue()));
        await first.SendAsync("block");
        await blocked.Task.WaitAsync(RawPeer.Guard);
        await second.SendAsync("there?");
        using (var answer = await second.ReceiveAsync().AsTask().WaitAsync(RawPeer.Guard)) answer.Text.ShouldBe("here");
        release.Set();
        await CloseAsync(first);
        await CloseAsync(second);
        await running.WaitAsync(RawPeer.Guard);
        await echo.WaitAsync(RawPeer.Guard);
    }

    public void Dispose() => _thread.Dispose();

    private (WebSocketConnection Server, WebSocketConnection Client) Open(bool inline)
    {
        var pair = new PipePair(new PipeOptions(readerScheduler: _thread, writerScheduler: _thread, useSynchronizationContext: false));
        return (new WebSocketConnection(pair.Server, Role.Server, new ConnectionOptions { RunInline = inline }), new WebSocketConnection(pair.Client, Role.Client));
    }

    private void ShouldBeRight(Thread thread, bool inline)
    {
        if (inline) thread.ManagedThreadId.ShouldBe(_thread.Id);
        else thread.IsThreadPoolThread.ShouldBeTrue();
    }

    // The read waits when this returns, so that what it gives comes from the transport's thread.
    private static async Task<Thread> ReceiveAsync(WebSocketConnection connection)
    {
        using var message = await connection.ReceiveAsync().ConfigureAwait(false);
        return Thread.CurrentThread;
    }

    private static async Task CloseAsync(WebSocketConnection client) => await client.CloseAsync().WaitAsync(RawPeer.Guard);

    private sealed class Calling(Action onMessage) : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        {
            onMessage();
            return default;
        }
    }
}
