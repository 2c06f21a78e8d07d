using System.Buffers;
using System.IO.Pipelines;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

/// <summary>What the runtime promises of a pipe writer, for Kestrel's transport and for ours.</summary>
public class PipeWriterTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task What_is_flushed_arrives_in_order(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        for (var i = 0; i < 100; i++)
        {
            Bytes.Pattern(100, i * 100).CopyTo(link.Output.GetSpan(100));
            link.Output.Advance(100);
            (await link.Output.FlushAsync().Guarded()).IsCompleted.ShouldBeFalse();
        }
        (await link.ReceiveAsync(10_000)).ShouldBe(Bytes.Pattern(10_000));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Nothing_leaves_before_it_is_flushed(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        link.Output.Write(Bytes.Pattern(10));
        link.Output.CanGetUnflushedBytes.ShouldBeTrue();
        link.Output.UnflushedBytes.ShouldBe(10);
        link.Peer.Available.ShouldBe(0);
        await link.Output.FlushAsync().Guarded();
        link.Output.UnflushedBytes.ShouldBe(0);
        (await link.ReceiveAsync(10)).ShouldBe(Bytes.Pattern(10));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Memory_is_as_large_as_asked_for(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var expected = new List<byte>();
        foreach (var size in (int[])[0, 1, 4096, 5000, 16384, 70_000, 300_000])
        {
            link.Output.GetMemory(size).Length.ShouldBeGreaterThanOrEqualTo(Math.Max(1, size));
            var bytes = Bytes.Pattern(Math.Max(1, size), expected.Count);
            bytes.CopyTo(link.Output.GetSpan(bytes.Length));
            link.Output.Advance(bytes.Length);
            expected.AddRange(bytes);
        }
        var received = link.ReceiveAsync(expected.Count);
        await link.Output.FlushAsync().Guarded();
        (await received).ShouldBe(expected);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task The_same_memory_is_given_until_it_is_advanced(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        for (var i = 0; i < 500; i++)
        {
            var first = link.Output.GetMemory(20);
            var second = link.Output.GetMemory();
            second.Span.Overlaps(first.Span, out var offset).ShouldBeTrue();
            offset.ShouldBe(0);
            link.Output.Advance(17);
        }
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Large_and_small_writes_keep_their_order(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        const int Total = 3_000_000;
        var received = link.ReceiveAsync(Total);
        int[] sizes = [10, 40_000, 64, 200_000, 1, 17_000, 5000];
        for (int at = 0, i = 0; at < Total; i++)
        {
            var count = Math.Min(sizes[i % sizes.Length], Total - at);
            await link.Output.WriteAsync(Bytes.Pattern(count, at)).Guarded();
            at += count;
        }
        (await received).SequenceEqual(Bytes.Pattern(Total)).ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_large_write_follows_what_was_written_and_not_flushed_and_its_memory_is_free_at_once(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, peerReceiveBuffer: 16 * 1024);
        const int Total = 8_000_000;
        var received = link.ReceiveAsync(Total);
        int[] heads = [10, 4096, 20_000, 1, 300_000], bodies = [65_536, 16_384, 1_000_000, 70_000];
        var shared = new byte[1_000_000];
        for (int at = 0, i = 0; at < Total; i++)
        {
            var head = Math.Min(heads[i % heads.Length], Total - at);
            link.Output.Write(Bytes.Pattern(head, at));
            at += head;
            var body = Math.Min(bodies[i % bodies.Length], Total - at);
            Bytes.Pattern(body, at).CopyTo(shared.AsSpan());
            at += body;
            var flush = link.Output.WriteAsync(shared.AsMemory(0, body));
            shared.AsSpan().Clear();
            await flush.Guarded();
        }
        (await received).SequenceEqual(Bytes.Pattern(Total)).ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_flush_waits_while_the_peer_does_not_read_and_the_bytes_wait_within_a_bound(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, peerReceiveBuffer: 16 * 1024);
        long sent = 0;
        var chunk = new byte[8 * 1024];
        ValueTask<FlushResult> flush;
        do
        {
            chunk = Bytes.Pattern(chunk.Length, (int)sent);
            flush = link.Output.WriteAsync(chunk);
            sent += chunk.Length;
            sent.ShouldBeLessThan(64 * 1024 * 1024, "the kernel's buffers are smaller");
        }
        while (flush.IsCompleted);
        var received = await link.ReceiveAsync((int)sent);
        received.SequenceEqual(Bytes.Pattern((int)sent)).ShouldBeTrue();
        (await flush.Guarded()).IsCompleted.ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task CancelPendingFlush_ends_the_flush_that_waits(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, peerReceiveBuffer: 16 * 1024);
        var flush = await FillAsync(link);
        link.Output.CancelPendingFlush();
        (await flush.Guarded()).IsCanceled.ShouldBeTrue();
        link.Output.CancelPendingFlush();
        (await link.Output.FlushAsync().Guarded()).IsCanceled.ShouldBeTrue("the next, when none waits");
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_token_ends_its_own_flush_and_the_bytes_still_leave(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, peerReceiveBuffer: 16 * 1024);
        using var source = new CancellationTokenSource();
        long sent = 0;
        ValueTask<FlushResult> flush;
        do
        {
            flush = link.Output.WriteAsync(Bytes.Pattern(8192, (int)sent), source.Token);
            sent += 8192;
        }
        while (flush.IsCompleted);
        await source.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => flush.Guarded());
        (await link.ReceiveAsync((int)sent)).SequenceEqual(Bytes.Pattern((int)sent)).ShouldBeTrue();
        await link.Output.WriteAsync(Bytes.Pattern(100)).Guarded();
        (await link.ReceiveAsync(100)).ShouldBe(Bytes.Pattern(100));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_flush_that_waits_ends_with_the_connection(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, peerReceiveBuffer: 16 * 1024);
        var flush = await FillAsync(link);
        link.Connection.Abort();
        var result = await flush.Guarded();
        // Kestrel's own transport ends the pipe from another thread, some time after it has let go of the bytes.
        if (kind != Kind.Sockets) result.IsCompleted.ShouldBeTrue();
        do
        {
            link.Output.Write(new byte[10]);
            result = await link.Output.FlushAsync().Guarded();
        }
        while (kind == Kind.Sockets && !result.IsCompleted);
        result.IsCompleted.ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Calls_out_of_order_are_refused(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        Should.Throw<ArgumentOutOfRangeException>(() => link.Output.GetMemory(-1));
        var size = link.Output.GetMemory().Length;
        Should.Throw<Exception>(() => link.Output.Advance(size + 1));
        link.Output.Complete();
        Should.Throw<InvalidOperationException>(() => link.Output.GetMemory());
        link.Output.Complete();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task Many_threads_flushing_in_turns_lose_nothing(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        const int Writers = 8, Each = 2000;
        var gate = new Lock();
        var received = link.ReceiveAsync(Writers * Each * 4);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                lock (gate)
                {
                    var span = link.Output.GetSpan(4);
                    BitConverter.TryWriteBytes(span, (writer << 16) | i).ShouldBeTrue();
                    link.Output.Advance(4);
                    var flush = link.Output.FlushAsync();
                    if (!flush.IsCompleted) flush.AsTask().Wait(Guard.Time).ShouldBeTrue();
                }
            }
        }))).Guarded();
        var next = new int[Writers];
        var bytes = await received;
        for (var at = 0; at < bytes.Length; at += 4)
        {
            var value = BitConverter.ToInt32(bytes, at);
            (value & 0xffff).ShouldBe(next[value >> 16]++);
        }
    }

    private static async Task<ValueTask<FlushResult>> FillAsync(Link link)
    {
        await Task.Yield();
        while (true)
        {
            var flush = link.Output.WriteAsync(new byte[8192]);
            if (!flush.IsCompleted) return flush;
        }
    }
}
