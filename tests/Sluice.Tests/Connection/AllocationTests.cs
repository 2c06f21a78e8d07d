using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>In steady state a message costs no memory. Runs alone, as the whole process's allocation is counted.</summary>
[Collection(nameof(Alone))]
public class AllocationTests
{
    private const int Batches = 2000;
    private const int InBatch = 50;
    private const int FragmentsEnd = 2 + 16; // what follows a first fragment of 48 bytes of 64

    [Theory]
    [InlineData(Role.Server, 64)]
    [InlineData(Role.Client, 64)]
    [InlineData(Role.Server, 3000)]
    public async Task A_handlers_echo_allocates_nothing(Role role, int size)
        => await Measure(role, size, connection => connection.RunAsync(new Echo()));

    [Theory]
    [InlineData(Role.Server, 64)]
    [InlineData(Role.Client, 64)]
    [InlineData(Role.Server, 3000)]
    public async Task Receiving_and_sending_by_calls_allocates_nothing(Role role, int size)
        => await Measure(role, size, EchoByCalls);

    [Fact]
    public async Task Receiving_with_a_token_allocates_nothing()
    {
        using var cancel = new CancellationTokenSource();
        await Measure(Role.Server, 64, async connection =>
        {
            while (true)
            {
                using var message = await connection.ReceiveAsync(cancel.Token);
                if (message.IsClose) return;
                await connection.SendAsync(message.Type, message.Payload, cancel.Token);
            }
        });
    }

    [Theory]
    [InlineData(Role.Server, 64)]
    [InlineData(Role.Client, 64)]
    [InlineData(Role.Server, 3000)]
    public async Task The_BCLs_type_over_a_connection_allocates_nothing(Role role, int size)
        => await Measure(role, size, EchoByWebSocket);

    [Fact]
    public async Task Sending_fragments_through_the_BCLs_type_allocates_nothing()
        => await Measure(Role.Server, 64, connection => EchoByWebSocket(connection, room: 48));

    [Fact]
    public async Task Publishing_to_readers_allocates_nothing()
    {
        var message = new PreparedMessage(MessageType.Text, "to all"u8);
        await Measure(Role.Server, 64, connection => connection.RunAsync(new Publisher(message)));
    }

    [Fact]
    public async Task Answering_pings_allocates_nothing()
        => await Measure(Role.Server, 8, connection => connection.RunAsync(new Echo()), first: 0x89);

    private static async Task Measure(Role role, int size, Func<WebSocketConnection, Task> serve, int first = 0x82)
    {
        // Neither hops nor segments of the transport's own are to be counted.
        var options = new PipeOptions(
            new RecyclingPool(), PipeScheduler.Inline, PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false);
        var there = new Pipe(options);
        var back = new Pipe(options);
        var connection = new WebSocketConnection(
            new Duplex(there.Reader, back.Writer), role, new ConnectionOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan, MaxControlFramesPerSecond = int.MaxValue });
        var serving = serve(connection);
        var frame = Wire.Frame(first, new byte[size], masked: role == Role.Server);
        byte[] batch = [.. Enumerable.Repeat(frame, InBatch).SelectMany(f => f)];
        await there.Writer.WriteAsync(frame);
        var answer = await TakeFirst(back.Reader);
        await Drive(there.Writer, back.Reader, batch, 200, answer);
        var least = long.MaxValue;
        // Whatever the runtime does beside once (tiered compilation, its threads) is not the messages' cost.
        for (var round = 0; round < 5 && least >= Batches * InBatch; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await Drive(there.Writer, back.Reader, batch, Batches, answer);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        connection.Abort();
        await serving.WaitAsync(RawPeer.Guard);
        least.ShouldBeLessThan(Batches * InBatch, "bytes allocated by 100,000 messages");
    }

    // Writes batches and waits for all that is sent back; pooled itself, so that only the connection's cost counts.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask Drive(PipeWriter output, PipeReader input, byte[] batch, int batches, int answer)
    {
        for (var i = 0; i < batches; i++)
        {
            await output.WriteAsync(batch);
            long left = (long)answer * InBatch;
            while (left > 0)
            {
                var read = await input.ReadAsync();
                if (read.IsCompleted) throw new EndOfStreamException();
                left -= read.Buffer.Length;
                input.AdvanceTo(read.Buffer.End);
            }
            if (left < 0) throw new InvalidDataException("more came back than was sent");
        }
    }

    private static async Task<int> TakeFirst(PipeReader input)
    {
        var read = await input.ReadAtLeastAsync(2);
        FrameHeader.TryParse(read.Buffer.FirstSpan, out var header, out var size).ShouldBeTrue();
        var answer = size + (int)header.PayloadLength;
        if (!header.Fin) answer += FragmentsEnd;
        input.AdvanceTo(read.Buffer.Start);
        read = await input.ReadAtLeastAsync(answer);
        read.Buffer.Length.ShouldBe(answer);
        input.AdvanceTo(read.Buffer.End);
        return answer;
    }

    private static async Task EchoByCalls(WebSocketConnection connection)
    {
        while (true)
        {
            using var message = await connection.ReceiveAsync();
            if (message.IsClose) return;
            await connection.SendAsync(message);
        }
    }

    private static Task EchoByWebSocket(WebSocketConnection connection) => EchoByWebSocket(connection, room: 4096);

    private static async Task EchoByWebSocket(WebSocketConnection connection, int room)
    {
        using var socket = connection.AsWebSocket();
        var buffer = new byte[room];
        try
        {
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                await socket.SendAsync(buffer.AsMemory(0, part.Count), part.MessageType, part.EndOfMessage, CancellationToken.None);
            }
        }
        catch (WebSocketException) when (socket.State == WebSocketState.Aborted)
        {
            // The measurement is over.
        }
    }

    private sealed class Echo : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }

    private sealed class Publisher(PreparedMessage message) : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        {
            return connection.TrySend(message) ? default : throw new InvalidOperationException();
        }
    }

    private sealed class RecyclingPool : MemoryPool<byte>
    {
        private readonly Stack<Block> _free = [];

        public override int MaxBufferSize => 4096;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => _free.TryPop(out var block) ? block : new Block(_free);

        protected override void Dispose(bool disposing)
        {
        }

        private sealed class Block(Stack<Block> free) : IMemoryOwner<byte>
        {
            public Memory<byte> Memory { get; } = new byte[4096];

            public void Dispose() => free.Push(this);
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
