using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>In steady state a message costs no memory. Runs alone, as the whole process's allocation is counted.</summary>
[Collection(nameof(Alone))]
public class AllocationTests
{
    private const int InBatch = 50;
    private const int Million = 1_000_000;
    private const int Compressed = 100_000; // each takes a hundred times as long

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

    [Theory]
    [InlineData(Role.Server, 1000, true)]
    [InlineData(Role.Server, 1000, false)]
    [InlineData(Role.Client, 1000, true)]
    [InlineData(Role.Client, 1000, false)]
    public async Task A_compressed_echo_allocates_nothing(Role role, int size, bool takeover)
    {
        var agreement = new DeflateAgreement { ServerNoContextTakeover = !takeover, ClientNoContextTakeover = !takeover };
        await Measure(role, size, connection => connection.RunAsync(new Echo()), compression: agreement);
        await Measure(role, size, EchoByCalls, compression: agreement);
    }

    [Fact]
    public async Task Publishing_a_compressed_message_to_readers_allocates_nothing()
    {
        var message = new PreparedMessage(MessageType.Binary, new byte[1000]);
        await Measure(Role.Server, 1000, connection => connection.RunAsync(new Publisher(message)), compression: new DeflateAgreement());
    }

    [Fact]
    public async Task Answering_pings_allocates_nothing()
        => await Measure(Role.Server, 8, connection => connection.RunAsync(new Echo()), first: 0x89);

    [Fact]
    public async Task Being_handed_over_to_the_thread_pool_allocates_nothing()
    {
        using var thread = new OwnThread();
        await Measure(Role.Server, 64, connection => connection.RunAsync(new Echo()), scheduler: thread);
        await Measure(Role.Server, 64, EchoByCalls, scheduler: thread);
    }

    private static async Task Measure(
        Role role, int size, Func<WebSocketConnection, Task> serve, int first = 0x82, DeflateAgreement? compression = null, PipeScheduler? scheduler = null)
    {
        // Neither hops nor segments of the transport's own are to be counted.
        var there = new Pipe(Options(scheduler ?? PipeScheduler.Inline));
        var back = new Pipe(Options(PipeScheduler.Inline));
        var connection = new WebSocketConnection(
            new Duplex(there.Reader, back.Writer), role, new ConnectionOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan, MaxControlFramesPerSecond = int.MaxValue },
            compression: compression);
        var serving = serve(connection);
        var frame = compression is null
            ? Wire.Frame(first, new byte[size], masked: role == Role.Server)
            : Wire.Frame(0xC2, Deflate(new byte[size]), masked: role == Role.Server);
        byte[] batch = [.. Enumerable.Repeat(frame, InBatch).SelectMany(f => f)];
        var messages = compression is null ? Million : Compressed;
        await Drive(there.Writer, back.Reader, batch, 200);
        var least = long.MaxValue;
        // Whatever the runtime does beside once (tiered compilation, its threads) is not the messages' cost.
        for (var round = 0; round < 5 && least >= messages; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await Drive(there.Writer, back.Reader, batch, messages / InBatch);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        connection.Abort();
        await serving.WaitAsync(RawPeer.Guard);
        least.ShouldBeLessThan(messages, $"bytes allocated by {messages} messages");
    }

    private static PipeOptions Options(PipeScheduler reader)
        => new(new RecyclingPool(), reader, PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false);

    private static byte[] Deflate(byte[] payload)
    {
        using var deflater = new Deflater(new(15, 6, 8));
        return Tests.Compression.CodecTests.Deflate(deflater, payload, forget: true);
    }

    // Writes batches and waits for all that is sent back; pooled itself, so that only the connection's cost counts.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask Drive(PipeWriter output, PipeReader input, byte[] batch, int batches)
    {
        var walker = new FrameWalker();
        for (var i = 0; i < batches; i++)
        {
            await output.WriteAsync(batch);
            var left = InBatch;
            while (left > 0)
            {
                var read = await input.ReadAsync();
                if (read.IsCompleted) throw new EndOfStreamException();
                foreach (var segment in read.Buffer) left -= CountFrames(ref walker, segment.Span);
                input.AdvanceTo(read.Buffer.End);
            }
            if (left < 0) throw new InvalidDataException("more came back than was sent");
        }
    }

    private static int CountFrames(ref FrameWalker walker, ReadOnlySpan<byte> bytes)
    {
        var frames = 0;
        while (bytes.Length > 0)
        {
            walker.Read(bytes, out var consumed);
            bytes = bytes[consumed..];
            if (walker.AtBoundary && walker.Header.Fin) frames++; // of a message in fragments the last
        }
        return frames;
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
