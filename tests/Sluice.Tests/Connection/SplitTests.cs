using System.Buffers;
using System.IO.Pipelines;
using Sluice.Compression;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>The property above all: however a peer's bytes are cut, the same events come out, and the same bytes go back.</summary>
public class SplitTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    public enum Consumer
    {
        Handler,
        Receive,
        Stream,
    }

    public static TheoryData<Role, Consumer> All => new()
    {
        { Role.Server, Consumer.Handler },
        { Role.Server, Consumer.Receive },
        { Role.Server, Consumer.Stream },
        { Role.Client, Consumer.Handler },
        { Role.Client, Consumer.Receive },
        { Role.Client, Consumer.Stream },
    };

    [Theory]
    [MemberData(nameof(All))]
    public async Task However_a_sequence_is_cut_the_same_comes_out(Role role, Consumer consumer)
    {
        foreach (var (name, bytes) in FrameCorpus.Sequences(role)) await CheckCuts(name, bytes, role, consumer);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task However_a_random_sequence_is_cut_the_same_comes_out(Role role, Consumer consumer)
    {
        for (var seed = 1000; seed < 1015; seed++) await CheckCuts($"seed {seed}", FrameCorpus.Random(seed, role), role, consumer);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task All_consumers_see_the_same_messages_and_send_the_same_bytes(Role role, Consumer consumer)
    {
        foreach (var (name, bytes) in FrameCorpus.Sequences(role))
        {
            // A stream is handed out before its message is known to be good.
            if (consumer == Consumer.Stream && name.StartsWith("text", StringComparison.Ordinal)) continue;
            var one = await Run(bytes, [bytes.Length], segment: 4096, role, Consumer.Handler);
            var other = await Run(bytes, [bytes.Length], segment: 4096, role, consumer);
            Messages(other).ShouldBe(Messages(one), name);
        }

        static IEnumerable<string> Messages(List<string> events) => events.Where(e => !e.StartsWith("sent Pong", StringComparison.Ordinal)
            && !e.StartsWith("ping", StringComparison.Ordinal) && !e.StartsWith("pong", StringComparison.Ordinal)
            && !e.StartsWith("end", StringComparison.Ordinal) && !e.EndsWith("broken off", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task However_a_compressed_sequence_is_cut_the_same_comes_out(Role role, Consumer consumer)
    {
        foreach (var (name, bytes) in CompressedCorpus.Sequences(role)) await CheckCuts(name, bytes, role, consumer, new DeflateAgreement());
        for (var seed = 1000; seed < 1015; seed++)
        {
            await CheckCuts($"seed {seed}", CompressedCorpus.Random(seed, role), role, consumer, new DeflateAgreement());
        }
    }

    private static async Task CheckCuts(string name, byte[] bytes, Role role, Consumer consumer, DeflateAgreement? compression = null)
    {
        var whole = await Run(bytes, [bytes.Length], segment: 4096, role, consumer, compression);
        foreach (var cuts in FrameCorpus.Cuts(bytes.Length, seed: 3))
        {
            var chopped = await Run(bytes, cuts, segment: 4096, role, consumer, compression);
            chopped.ShouldBe(whole, $"{name}, cut at {string.Join(",", cuts)}");
        }
        // All at once, but in small segments of memory.
        foreach (var segment in new[] { 1, 2, 3, 7, 16 })
        {
            var segmented = await Run(bytes, [bytes.Length], segment, role, consumer, compression);
            segmented.ShouldBe(whole, $"{name}, in segments of {segment}");
        }
    }

    private static async Task<List<string>> Run(
        byte[] bytes, int[] cuts, int segment, Role role, Consumer consumer, DeflateAgreement? compression = null)
    {
        // Inline, so that each flush is read and worked off before the next piece is written.
        var options = new PipeOptions(
            new TinyPool(segment), PipeScheduler.Inline, PipeScheduler.Inline, pauseWriterThreshold: 0, minimumSegmentSize: 1,
            useSynchronizationContext: false);
        var there = new Pipe(options);
        var back = new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        var connection = new WebSocketConnection(
            new Duplex(there.Reader, back.Writer), role, new ConnectionOptions { MaxMessageSize = 256, LingerTimeout = Timeout.InfiniteTimeSpan },
            compression: compression);
        var events = new List<string>();
        var consuming = consumer switch
        {
            Consumer.Handler => connection.RunAsync(new Recorder(events)),
            Consumer.Receive => ReceiveAll(connection, events),
            _ => StreamAll(connection, events),
        };
        var from = 0;
        foreach (var to in cuts)
        {
            for (; from < to; from += Math.Min(segment, to - from))
            {
                there.Writer.Write(bytes.AsSpan(from, Math.Min(segment, to - from)));
            }
            await there.Writer.FlushAsync();
        }
        there.Writer.Complete();
        await consuming.WaitAsync(Guard);
        var result = await connection.Released.WaitAsync(Guard);
        events.Add($"{result.Code} {result.Reason} {result.ByPeer} {result.WasClean}");
        var sent = await Decode(back.Reader, role);
        // A pong does not wait for whoever receives by calls to answer the message before the ping.
        if (consumer != Consumer.Handler) sent = [.. sent.Where(f => !IsPong(f)), .. sent.Where(IsPong)];
        events.AddRange(sent);
        return events;

        static bool IsPong(string frame) => frame.StartsWith("sent Pong", StringComparison.Ordinal);
    }

    private static async Task ReceiveAll(WebSocketConnection connection, List<string> events)
    {
        while (true)
        {
            using var message = await connection.ReceiveAsync();
            if (message.IsClose) return;
            events.Add($"{message.Type} {Convert.ToHexString(message.Payload.Span)}");
            await Echo(connection, message.Type, message.Payload);
        }
    }

    private static async Task StreamAll(WebSocketConnection connection, List<string> events)
    {
        var buffer = new byte[5];
        while (await connection.ReadMessageAsync() is { } reader)
        {
            var whole = new List<byte>();
            try
            {
                int length;
                while ((length = await reader.ReadAsync(buffer)) > 0) whole.AddRange(buffer[..length]);
                events.Add($"{reader.Type} {Convert.ToHexString([.. whole])}");
                await Echo(connection, reader.Type, whole.ToArray());
            }
            catch (WebSocketClosedException)
            {
                events.Add($"{reader.Type} broken off");
            }
        }
    }

    private static async ValueTask Echo(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
    {
        try
        {
            await connection.SendAsync(type, payload);
        }
        catch (WebSocketClosedException)
        {
            // The peer's close, or its violation, stood right behind the message.
        }
    }

    // What was sent, frame by frame; a client's keys are random.
    private static async Task<List<string>> Decode(PipeReader reader, Role sender)
    {
        ReadResult result;
        while (!(result = await reader.ReadAsync()).IsCompleted) reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        var bytes = result.Buffer.ToArray();
        var frames = new List<string>();
        var at = 0;
        while (at < bytes.Length)
        {
            FrameHeader.TryParse(bytes.AsSpan(at), out var header, out var size).ShouldBeTrue();
            header.Masked.ShouldBe(sender == Role.Client);
            at += size;
            var payload = bytes.AsSpan(at, (int)header.PayloadLength).ToArray();
            at += payload.Length;
            Masking.Apply(payload, header.MaskingKey, 0);
            frames.Add($"sent {header.Opcode} {header.Fin} {Convert.ToHexString(payload)}");
        }
        return frames;
    }

    private sealed class Recorder(List<string> events) : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
        {
            events.Add($"{type} {Convert.ToHexString(payload.Span)}");
            return Echo(connection, type, payload);
        }

        public void OnPing(WebSocketConnection connection, ReadOnlySpan<byte> payload) => events.Add($"ping {Convert.ToHexString(payload)}");

        public void OnPong(WebSocketConnection connection, ReadOnlySpan<byte> payload) => events.Add($"pong {Convert.ToHexString(payload)}");

        public void OnClose(WebSocketConnection connection, CloseResult result) => events.Add($"end {result}");
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    // Segments of exactly the size asked for at construction, filled with what must never be seen.
    private sealed class TinyPool(int size) : MemoryPool<byte>
    {
        public override int MaxBufferSize => int.MaxValue;

        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Owner(Math.Max(size, minBufferSize));

        protected override void Dispose(bool disposing)
        {
        }

        private sealed class Owner(int size) : IMemoryOwner<byte>
        {
            private readonly byte[] _bytes = new byte[size];

            public Memory<byte> Memory => _bytes;

            public void Dispose() => _bytes.AsSpan().Fill(0xDD);
        }
    }
}
