using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

public class SchedulingTests
{
    [Theory]
    [InlineData(Kind.Adaptive, true)]
    [InlineData(Kind.Inline, true)]
    [InlineData(Kind.Dispatched, false)]
    public async Task A_read_that_waited_goes_on_where_the_option_says(Kind kind, bool inline)
    {
        await using var link = await Link.OpenAsync(kind);
        (await WhereAsync(link)).ShouldBe(inline);
    }

    [Fact]
    public async Task The_feature_decides_for_one_connection()
    {
        await using var link = await Link.OpenAsync(Kind.Dispatched);
        link.Connection.Features.Get<IContinuationSchedulingFeature>()!.Scheduling = ContinuationScheduling.Inline;
        (await WhereAsync(link)).ShouldBeTrue();
        link.Connection.Features.Get<IContinuationSchedulingFeature>()!.Scheduling = ContinuationScheduling.Dispatched;
        (await WhereAsync(link)).ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task A_callback_that_blocks_holds_up_nobody_else(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, o => o.LoopCount = 1);
        using var release = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var read = link.Input.ReadAsync();
        read.GetAwaiter().UnsafeOnCompleted(() =>
        {
            blocked.SetResult();
            release.Wait(Guard.Time);
        });
        await link.SendAsync(new byte[] { 1 });
        await blocked.Task.Guarded();

        for (var i = 0; i < 3; i++)
        {
            var (other, peer) = await Link.ConnectAsync(link.Listener);
            var echo = Echo.RunAsync(other);
            await peer.SendAsync(Bytes.Pattern(10));
            (await peer.ReceiveAsync(new byte[10]).Guarded()).ShouldBe(10);
            peer.Dispose();
            await echo.Guarded();
        }
        release.Set();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task A_callback_that_computes_without_end_holds_up_nobody_else(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, o => o.LoopCount = 1);
        using var release = new ManualResetEventSlim();
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var read = link.Input.ReadAsync();
        read.GetAwaiter().UnsafeOnCompleted(() =>
        {
            blocked.SetResult();
            for (var start = Stopwatch.GetTimestamp(); !release.IsSet && Stopwatch.GetElapsedTime(start) < Guard.Time;) Thread.SpinWait(100);
        });
        await link.SendAsync(new byte[] { 1 });
        await blocked.Task.Guarded();

        for (var i = 0; i < 3; i++)
        {
            var (other, peer) = await Link.ConnectAsync(link.Listener);
            var echo = Echo.RunAsync(other);
            await peer.SendAsync(Bytes.Pattern(10));
            (await peer.ReceiveAsync(new byte[10]).Guarded()).ShouldBe(10);
            peer.Dispose();
            await echo.Guarded();
        }
        release.Set();
    }

    [Fact]
    public async Task Adaptive_goes_to_the_pool_once_a_callback_has_blocked_a_loop()
    {
        await using var link = await Link.OpenAsync(Kind.Adaptive, o => o.LoopCount = 1);
        using var release = new ManualResetEventSlim();
        var read = link.Input.ReadAsync();
        read.GetAwaiter().UnsafeOnCompleted(() => release.Wait(Guard.Time));
        await link.SendAsync(new byte[] { 1 });

        // Once another connection is served, the loop has gone on with another thread.
        var (other, peer) = await Link.ConnectAsync(link.Listener);
        var inline = WhereAsync(other.Transport.Input);
        await peer.SendAsync(new byte[] { 1 });
        (await inline.Guarded()).ShouldBeFalse();
        release.Set();
        peer.Dispose();
        await other.DisposeAsync().Guarded();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task What_was_flushed_leaves_even_when_the_callback_blocks_afterwards(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        using var release = new ManualResetEventSlim();
        var read = link.Input.ReadAsync();
        read.GetAwaiter().UnsafeOnCompleted(() =>
        {
            link.Output.Write(Bytes.Pattern(10));
            link.Output.FlushAsync().IsCompleted.ShouldBeTrue();
            release.Wait(Guard.Time);
        });
        await link.SendAsync(new byte[] { 1 });
        (await link.ReceiveAsync(10)).ShouldBe(Bytes.Pattern(10));
        release.Set();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task What_is_flushed_in_one_callback_leaves_at_its_end(Kind kind)
    {
        // The watchdog may uncork a callback that the machine has put aside, so one success of some is asked for.
        for (var attempt = 0; ; attempt++)
        {
            await using var link = await Link.OpenAsync(kind);
            var early = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            var read = link.Input.ReadAsync();
            read.GetAwaiter().UnsafeOnCompleted(() =>
            {
                for (var i = 0; i < 16; i++)
                {
                    link.Output.Write(Bytes.Pattern(10, i * 10));
                    link.Output.FlushAsync().IsCompleted.ShouldBeTrue();
                }
                early.SetResult(link.Peer.Available);
            });
            await link.SendAsync(new byte[] { 1 });
            (await link.ReceiveAsync(160)).ShouldBe(Bytes.Pattern(160));
            if (await early.Task.Guarded() == 0) return;
            attempt.ShouldBeLessThan(20);
        }
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task Without_batching_each_flush_leaves_at_once(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, o => o.BatchWrites = false);
        var early = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var read = link.Input.ReadAsync();
        read.GetAwaiter().UnsafeOnCompleted(() =>
        {
            link.Output.Write(Bytes.Pattern(10));
            link.Output.FlushAsync().IsCompleted.ShouldBeTrue();
            early.SetResult(link.Peer.Available);
        });
        await link.SendAsync(new byte[] { 1 });
        (await early.Task.Guarded()).ShouldBe(10);
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task A_callback_may_write_to_other_connections(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var others = new List<(Microsoft.AspNetCore.Connections.ConnectionContext Connection, System.Net.Sockets.Socket Peer)>();
        for (var i = 0; i < 50; i++) others.Add(await Link.ConnectAsync(link.Listener));
        var read = link.Input.ReadAsync();
        read.GetAwaiter().UnsafeOnCompleted(() =>
        {
            foreach (var (connection, _) in others)
            {
                for (var i = 0; i < 3; i++) connection.Transport.Output.WriteAsync(Bytes.Pattern(100, i * 100)).IsCompleted.ShouldBeTrue();
            }
        });
        await link.SendAsync(new byte[] { 1 });
        foreach (var (connection, peer) in others)
        {
            var bytes = new byte[300];
            for (var at = 0; at < 300;) at += await peer.ReceiveAsync(bytes.AsMemory(at)).Guarded();
            bytes.ShouldBe(Bytes.Pattern(300));
            peer.Dispose();
            await connection.DisposeAsync().Guarded();
        }
    }

    [Fact]
    public void Trust_is_lost_for_twice_as_long_each_time_and_comes_back()
    {
        var time = new HandTime();
        var trust = new InlineTrust(time);
        trust.Allows(ContinuationScheduling.Adaptive).ShouldBeTrue();
        trust.Allows(ContinuationScheduling.Dispatched).ShouldBeFalse();
        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 32, 64, 120, 120])
        {
            trust.Lose();
            trust.Allows(ContinuationScheduling.Inline).ShouldBeTrue();
            time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            trust.Allows(ContinuationScheduling.Adaptive).ShouldBeFalse();
            time.Advance(TimeSpan.FromMilliseconds(1));
            trust.Allows(ContinuationScheduling.Adaptive).ShouldBeTrue();
        }
        time.Advance(TimeSpan.FromSeconds(121));
        trust.Lose();
        time.Advance(TimeSpan.FromSeconds(1));
        trust.Allows(ContinuationScheduling.Adaptive).ShouldBeTrue();
    }

    private static async Task<bool> WhereAsync(Link link)
    {
        var where = WhereAsync(link.Input);
        await link.SendAsync(new byte[] { 1 });
        return await where.Guarded();
    }

    // The read waits when this returns.
    private static async Task<bool> WhereAsync(PipeReader reader)
    {
        var result = await reader.ReadAsync();
        var inline = Thread.CurrentThread.Name?.StartsWith("Sluice epoll", StringComparison.Ordinal) == true;
        inline.ShouldBe(!Thread.CurrentThread.IsThreadPoolThread);
        reader.AdvanceTo(result.Buffer.End);
        return inline;
    }

    private sealed class HandTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
