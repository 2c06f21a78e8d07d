using System.Buffers.Binary;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>Many callers at once, cancellation at every moment, and aborts.</summary>
public class ConcurrencyTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    [Fact]
    public async Task Many_senders_at_once_lose_and_mix_nothing()
    {
        const int Senders = 16, Each = 400;
        var pair = new PipePair();
        await using var client = new WebSocketConnection(pair.Client, Role.Client);
        await using var server = new WebSocketConnection(pair.Server, Role.Server);
        var sending = Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            var random = new Random(sender);
            for (var i = 0; i < Each; i++)
            {
                var payload = Numbered(sender, i, random.Next(8, 3000));
                switch (i % 8)
                {
                    case 0: // in fragments, with other senders' messages wanting to go between
                        await using (var writer = await client.OpenMessageAsync(MessageType.Binary))
                        {
                            var half = payload.Length / 2;
                            await writer.WriteAsync(payload.AsMemory(0, half));
                            await Task.Yield();
                            await writer.WriteAsync(payload.AsMemory(half));
                        }
                        break;
                    case 1:
                        await client.SendAsync(new PreparedMessage(MessageType.Binary, payload));
                        break;
                    case 2:
                        await client.PingAsync();
                        goto default;
                    default:
                        await client.SendAsync(payload);
                        break;
                }
            }
        })).ToArray();

        var next = new int[Senders];
        for (var i = 0; i < Senders * Each; i++)
        {
            using var message = await server.ReceiveAsync().AsTask().WaitAsync(Guard);
            CheckNumbered(message.Payload.Span, next);
        }
        await Task.WhenAll(sending).WaitAsync(Guard);
        next.ShouldAllBe(n => n == Each);
        await Task.WhenAll(client.CloseAsync(), server.CloseAsync()).WaitAsync(Guard);
    }

    [Fact]
    public async Task Cancelling_receives_at_random_loses_nothing()
    {
        const int Count = 3000;
        var pair = new PipePair();
        await using var client = new WebSocketConnection(pair.Client, Role.Client);
        await using var server = new WebSocketConnection(pair.Server, Role.Server);
        var sending = Task.Run(async () =>
        {
            var random = new Random(5);
            for (var i = 0; i < Count; i++)
            {
                await client.SendAsync(Numbered(0, i, random.Next(8, 20_000)));
                if (random.Next(5) == 0) await Task.Yield();
            }
        });
        var next = new int[1];
        var cancelled = 0;
        var random = new Random(6);
        var buffer = new byte[20_000];
        while (next[0] < Count)
        {
            using var cancel = new CancellationTokenSource();
            var byStream = random.Next(3) == 0;
            var receiving = byStream ? default : server.ReceiveAsync(cancel.Token).AsTask();
            var opening = byStream ? server.ReadMessageAsync(cancel.Token).AsTask() : null;
            if (random.Next(2) == 0) _ = Task.Run(cancel.Cancel);
            try
            {
                if (receiving is not null)
                {
                    using var message = await receiving.WaitAsync(Guard);
                    message.IsClose.ShouldBeFalse();
                    CheckNumbered(message.Payload.Span, next);
                    continue;
                }
                await using var reader = (await opening!.WaitAsync(Guard)).ShouldNotBeNull();
                var length = await ReadAllCancelling(reader, buffer, random);
                CheckNumbered(buffer.AsSpan(0, length), next);
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }
        }
        await sending.WaitAsync(Guard);
        cancelled.ShouldBeGreaterThan(10);
        await Task.WhenAll(client.CloseAsync(), server.CloseAsync()).WaitAsync(Guard);
    }

    [Fact]
    public async Task A_token_cancelled_already_or_used_again_and_again_is_heeded()
    {
        var peer = new RawPeer();
        using var cancel = new CancellationTokenSource();
        for (var i = 0; i < 10; i++)
        {
            await peer.SendTextAsync($"{i}");
            using var message = await peer.Connection.ReceiveAsync(cancel.Token).AsTask().WaitAsync(Guard);
            message.Text.ShouldBe($"{i}");
        }
        var receiving = peer.Connection.ReceiveAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(receiving.WaitAsync(Guard))).CancellationToken.ShouldBe(cancel.Token);
        await Should.ThrowAsync<OperationCanceledException>(peer.Connection.ReceiveAsync(cancel.Token).AsTask());
        await peer.SendTextAsync("still here");
        using var last = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard);
        last.Text.ShouldBe("still here");
    }

    [Fact]
    public async Task A_whole_message_for_a_cancelled_receive_is_first_in_line_also_as_a_stream()
    {
        var peer = new RawPeer();
        using var cancel = new CancellationTokenSource();
        var receiving = peer.Connection.ReceiveAsync(cancel.Token).AsTask();
        await peer.SendTextAsync("fir", first: 0x01);
        await peer.SendFrameAsync(0x89, []);
        await peer.ExpectAsync(0x8A, []);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(receiving);
        var opening = peer.Connection.ReadMessageAsync().AsTask();
        await peer.SendAsync(Wire.Join(Wire.Text("st", masked: true, first: 0x80), Wire.Text("second", masked: true)));
        await using (var reader = (await opening.WaitAsync(Guard)).ShouldNotBeNull())
        {
            using var text = new StreamReader(reader);
            (await text.ReadToEndAsync().WaitAsync(Guard)).ShouldBe("first");
        }
        using var second = await peer.Connection.ReceiveAsync().AsTask().WaitAsync(Guard);
        second.Text.ShouldBe("second");
    }

    [Fact]
    public async Task A_second_receive_before_the_first_was_awaited_is_refused_and_harms_nothing()
    {
        var peer = new RawPeer();
        var first = peer.Connection.ReceiveAsync();
        Should.Throw<InvalidOperationException>(() => peer.Connection.ReceiveAsync());
        await peer.SendTextAsync("one");
        await peer.SendFrameAsync(0x89, []);
        await peer.ExpectAsync(0x8A, []);
        Should.Throw<InvalidOperationException>(() => peer.Connection.ReceiveAsync()); // complete, but not awaited
        using var message = await first.AsTask().WaitAsync(Guard);
        message.Text.ShouldBe("one");
    }

    [Fact]
    public async Task Abort_ends_every_pending_call_at_once()
    {
        var peer = new RawPeer(window: 100, options: new ConnectionOptions { SendQueueLimit = 1000 });
        var connection = peer.Connection;
        await using var writer = await connection.OpenMessageAsync(MessageType.Binary);
        var fragment = writer.WriteAsync(new byte[500]).AsTask();
        var waiting = connection.SendAsync("behind the stream").AsTask();
        var opening = connection.OpenMessageAsync(MessageType.Text).AsTask();
        var receiving = connection.ReceiveAsync().AsTask();
        var ping = connection.PingAsync();
        var closing = connection.CloseAsync();
        connection.Abort();
        (await receiving.WaitAsync(Guard)).IsClose.ShouldBeTrue();
        await Should.ThrowAsync<WebSocketClosedException>(fragment.WaitAsync(Guard));
        await Should.ThrowAsync<WebSocketClosedException>(waiting.WaitAsync(Guard));
        await Should.ThrowAsync<WebSocketClosedException>(opening.WaitAsync(Guard));
        await Should.ThrowAsync<WebSocketClosedException>(ping.WaitAsync(Guard));
        (await closing.WaitAsync(Guard)).Code.ShouldBe(CloseCode.AbnormalClosure);
        await connection.Released.WaitAsync(Guard);
        peer.Aborts.ShouldBe(1);
        await Should.ThrowAsync<WebSocketClosedException>(connection.SendAsync("late").AsTask());
    }

    [Fact]
    public async Task Abort_while_a_message_waits_that_nobody_wants_releases_the_transport()
    {
        var peer = new RawPeer(early: Wire.Text("unwanted", masked: true));
        peer.Connection.Abort();
        await peer.Connection.Released.WaitAsync(Guard);
    }

    [Fact]
    public async Task Aborts_at_random_moments_always_release_and_leave_no_task_unobserved()
    {
        var unobserved = new List<Exception>();
        void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs e)
        {
            if (e.Exception.ToString().Contains("Sluice", StringComparison.Ordinal)) lock (unobserved) unobserved.Add(e.Exception);
        }
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        try
        {
            for (var seed = 0; seed < 150; seed++) await RunAndAbort(new Random(seed)).WaitAsync(Guard);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            unobserved.ShouldBeEmpty();
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= OnUnobserved;
        }
    }

    private static async Task RunAndAbort(Random random)
    {
        var pair = new PipePair();
        var client = new WebSocketConnection(pair.Client, Role.Client);
        var server = new WebSocketConnection(pair.Server, Role.Server);
        var delivered = 0;
        var serving = random.Next(2) == 0 ? server.RunAsync(new Echo()) : ServeByCalls(server);
        var sending = Enumerable.Range(0, 3).Select(s => Task.Run(async () =>
        {
            try
            {
                for (var i = 0; i < 10_000; i++) await client.SendAsync(Numbered(s, i, 100));
            }
            catch (WebSocketClosedException)
            {
            }
        })).ToArray();
        var receiving = Task.Run(async () =>
        {
            var next = new int[3];
            await foreach (var message in client.ReadAllAsync())
            {
                CheckNumbered(message.Payload.Span, next);
                Interlocked.Increment(ref delivered);
            }
        });
        var enough = random.Next(0, 300);
        while (Volatile.Read(ref delivered) < enough) await Task.Yield();
        switch (random.Next(4))
        {
            case 0: client.Abort(); break;
            case 1: server.Abort(); break;
            case 2: await Task.WhenAll(client.CloseAsync(), server.CloseAsync()); break;
            default: await Task.WhenAll(Task.Run(client.Abort), Task.Run(server.Abort), client.DisposeAsync().AsTask()); break;
        }
        await Task.WhenAll([.. sending, receiving, serving, client.Released, server.Released]);
    }

    private static async Task ServeByCalls(WebSocketConnection server)
    {
        try
        {
            await foreach (var message in server.ReadAllAsync()) await server.SendAsync(message);
        }
        catch (WebSocketClosedException)
        {
        }
    }

    private static async Task<int> ReadAllCancelling(MessageReader reader, byte[] buffer, Random random)
    {
        var length = 0;
        while (true)
        {
            using var cancel = new CancellationTokenSource();
            var reading = reader.ReadAsync(buffer.AsMemory(length, Math.Min(random.Next(1, 5000), buffer.Length - length)), cancel.Token).AsTask();
            if (random.Next(4) == 0) _ = Task.Run(cancel.Cancel);
            try
            {
                var read = await reading.WaitAsync(Guard);
                if (read == 0) return length;
                length += read;
            }
            catch (OperationCanceledException)
            {
                // The message goes on where it was.
            }
        }
    }

    private static byte[] Numbered(int sender, int number, int size)
    {
        var payload = new byte[size];
        BinaryPrimitives.WriteInt32LittleEndian(payload, sender);
        BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(4), number);
        payload.AsSpan(8).Fill((byte)(sender + number));
        return payload;
    }

    private static void CheckNumbered(ReadOnlySpan<byte> payload, int[] next)
    {
        var sender = BinaryPrimitives.ReadInt32LittleEndian(payload);
        var number = BinaryPrimitives.ReadInt32LittleEndian(payload[4..]);
        number.ShouldBe(next[sender]++);
        payload[8..].IndexOfAnyExcept((byte)(sender + number)).ShouldBe(-1);
    }

    private sealed class Echo : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }
}
