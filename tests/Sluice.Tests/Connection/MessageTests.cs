using Sluice.Protocol;

namespace Sluice.Tests.Connection;

public class MessageTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    private readonly WebSocketConnection _server;
    private readonly WebSocketConnection _client;

    public MessageTests()
    {
        var pair = new PipePair();
        _server = new WebSocketConnection(pair.Server, Role.Server);
        _client = new WebSocketConnection(pair.Client, Role.Client);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(4096)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(1024 * 1024)]
    public async Task A_message_arrives_as_it_was_sent(int size)
    {
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        foreach (var (from, to) in new[] { (_client, _server), (_server, _client) })
        {
            var sending = from.SendAsync(payload).AsTask();
            using var message = await to.ReceiveAsync().AsTask().WaitAsync(Guard);
            message.Type.ShouldBe(MessageType.Binary);
            message.Payload.ToArray().ShouldBe(payload);
            await sending.WaitAsync(Guard);
        }
    }

    [Fact]
    public async Task A_handler_echoes_many_messages_in_order()
    {
        var running = _server.RunAsync(new Echo());
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 10_000; i++) await _client.SendAsync($"message {i}");
        });
        for (var i = 0; i < 10_000; i++)
        {
            using var message = await _client.ReceiveAsync().AsTask().WaitAsync(Guard);
            message.Text.ShouldBe($"message {i}");
        }
        await sending.WaitAsync(Guard);
        var result = await _client.CloseAsync(CloseCode.NormalClosure, "done").WaitAsync(Guard);
        result.WasClean.ShouldBeTrue();
        var ended = await running.WaitAsync(Guard);
        ended.Code.ShouldBe(CloseCode.NormalClosure);
        ended.Reason.ShouldBe("done");
        ended.ByPeer.ShouldBeTrue();
        await _client.Released.WaitAsync(Guard);
    }

    [Fact]
    public async Task A_cancelled_receive_leaves_the_connection_usable()
    {
        using var cancel = new CancellationTokenSource();
        var receiving = _server.ReceiveAsync(cancel.Token).AsTask();
        cancel.Cancel();
        await Should.ThrowAsync<OperationCanceledException>(receiving);
        await _client.SendAsync("still here");
        using var message = await _server.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Text.ShouldBe("still here");
    }

    [Fact]
    public async Task Abort_ends_every_pending_call()
    {
        var receiving = _server.ReceiveAsync().AsTask();
        var ping = _server.PingAsync();
        _server.Abort();
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        try
        {
            await ping.WaitAsync(Guard);
        }
        catch (WebSocketClosedException)
        {
        }
        (await _client.Closed.WaitAsync(Guard)).Code.ShouldBe(CloseCode.AbnormalClosure);
        await _server.Released.WaitAsync(Guard);
        await _client.Released.WaitAsync(Guard);
    }

    [Fact]
    public async Task A_ping_measures_the_round_trip()
    {
        (await _client.PingAsync().WaitAsync(Guard)).ShouldBeGreaterThan(TimeSpan.Zero);
        _client.RoundTripTime.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_streamed_message_is_read_as_a_stream()
    {
        var writing = Task.Run(async () =>
        {
            await using var writer = await _client.OpenMessageAsync(MessageType.Binary);
            for (var i = 0; i < 100; i++) await writer.WriteAsync(new byte[5000]);
        });
        await using var reader = await _server.ReadMessageAsync();
        reader.ShouldNotBeNull();
        var copy = new MemoryStream();
        await reader.CopyToAsync(copy).WaitAsync(Guard);
        copy.Length.ShouldBe(500_000);
        await writing.WaitAsync(Guard);
        await _client.SendAsync("next");
        using var message = await _server.ReceiveAsync().AsTask().WaitAsync(Guard);
        message.Text.ShouldBe("next");
    }

    private sealed class Echo : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }
}
