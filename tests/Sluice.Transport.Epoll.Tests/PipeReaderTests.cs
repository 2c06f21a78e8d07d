using System.Buffers;
using System.IO.Pipelines;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

/// <summary>What the runtime promises of a pipe reader: the same expectations for its own pipe, for Kestrel's transport and ours.</summary>
public class PipeReaderTests
{
    public static TheoryData<string> Readers => ["Pipe", "Sockets", "Adaptive", "Dispatched", "Inline"];

    [Theory, MemberData(nameof(Readers))]
    public async Task What_was_sent_is_read_once(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        await rig.SendAsync(Bytes.Pattern(100));
        await rig.Reader.ReadPatternAsync(100);
        rig.Reader.TryRead(out _).ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task A_read_waits_for_bytes(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        var read = rig.Reader.ReadAsync();
        read.IsCompleted.ShouldBeFalse();
        await rig.SendAsync(new byte[] { 7 });
        var result = await read.Guarded();
        result.Buffer.Copy().ShouldBe([7]);
        result.IsCanceled.ShouldBeFalse();
        result.IsCompleted.ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task Bytes_not_consumed_stay_and_those_not_examined_are_given_again_at_once(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        await rig.SendAsync(Bytes.Pattern(10));
        var result = await rig.ReadAtLeastAsync(10);
        rig.Reader.AdvanceTo(result.Buffer.GetPosition(3), result.Buffer.GetPosition(6));
        rig.Reader.TryRead(out result).ShouldBeTrue();
        result.Buffer.Copy().ShouldBe(Bytes.Pattern(7, start: 3));
        rig.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        rig.Reader.TryRead(out _).ShouldBeFalse();
        var read = rig.Reader.ReadAsync();
        read.IsCompleted.ShouldBeFalse("everything was examined");
        await rig.SendAsync(Bytes.Pattern(5, start: 10));
        result = await read.Guarded();
        result.Buffer.Copy().ShouldBe(Bytes.Pattern((int)result.Buffer.Length, start: 3));
        result.Buffer.Length.ShouldBeGreaterThan(7);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task Nothing_examined_gives_the_same_again(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        await rig.SendAsync(Bytes.Pattern(10));
        var result = await rig.ReadAtLeastAsync(10);
        rig.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        (await rig.Reader.ReadAsync().Guarded()).Buffer.Copy().ShouldBe(Bytes.Pattern(10));
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task ReadAtLeast_gathers(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        var read = rig.Reader.ReadAtLeastAsync(300_000);
        for (var i = 0; i < 30; i++) await rig.SendAsync(Bytes.Pattern(10_000, start: i * 10_000));
        var result = await read.Guarded();
        result.Buffer.Copy().ShouldBe(Bytes.Pattern(300_000));
        rig.Reader.AdvanceTo(result.Buffer.End);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task Every_way_to_consume_in_pieces_gives_the_same_bytes(string kind)
    {
        const int Total = 400_000;
        await using var rig = await Rig.CreateAsync(kind);
        var send = Task.Run(async () =>
        {
            for (int at = 0, step = 1; at < Total; step = (step * 7 % 9973) + 1)
            {
                var count = Math.Min(step, Total - at);
                await rig.SendAsync(Bytes.Pattern(count, at));
                at += count;
            }
        });
        var random = new Random(4711);
        long position = 0;
        while (position < Total)
        {
            var result = await rig.Reader.ReadAsync().Guarded();
            var held = result.Buffer.Length;
            var at = position;
            foreach (var piece in result.Buffer)
            {
                Bytes.Check(piece.Span, at);
                at += piece.Length;
            }
            var consumed = random.NextInt64(0, held + 1);
            var examined = random.Next(3) == 0 ? consumed : held;
            rig.Reader.AdvanceTo(result.Buffer.GetPosition(consumed), result.Buffer.GetPosition(examined));
            position += consumed;
            if (position + (held - consumed) == Total && held > consumed)
            {
                // All is here; what is left is read again only if it was not examined.
                rig.Reader.CancelPendingRead();
                result = await rig.Reader.ReadAsync().Guarded();
                position += result.Buffer.Length;
                rig.Reader.AdvanceTo(result.Buffer.End);
            }
        }
        position.ShouldBe(Total);
        await send.Guarded();
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task The_end_is_told_behind_the_bytes_and_again(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        await rig.SendAsync(Bytes.Pattern(5));
        rig.End();
        var result = await rig.Reader.ReadAsync().Guarded();
        while (!result.IsCompleted)
        {
            rig.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            result = await rig.Reader.ReadAsync().Guarded();
        }
        result.Buffer.Copy().ShouldBe(Bytes.Pattern(5));
        rig.Reader.AdvanceTo(result.Buffer.End);
        result = await rig.Reader.ReadAsync().Guarded();
        result.IsCompleted.ShouldBeTrue();
        result.Buffer.IsEmpty.ShouldBeTrue();
        rig.Reader.AdvanceTo(result.Buffer.End);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task CancelPendingRead_ends_the_read_that_waits_and_no_other(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        var read = rig.Reader.ReadAsync();
        rig.Reader.CancelPendingRead();
        var result = await read.Guarded();
        result.IsCanceled.ShouldBeTrue();
        rig.Reader.AdvanceTo(result.Buffer.End);
        await rig.SendAsync(new byte[] { 1 });
        result = await rig.Reader.ReadAsync().Guarded();
        result.IsCanceled.ShouldBeFalse();
        result.Buffer.Copy().ShouldBe([1]);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task CancelPendingRead_without_one_ends_the_next_once(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        rig.Reader.CancelPendingRead();
        rig.Reader.TryRead(out var result).ShouldBeTrue();
        result.IsCanceled.ShouldBeTrue();
        rig.Reader.AdvanceTo(result.Buffer.End);
        rig.Reader.CancelPendingRead();
        rig.Reader.CancelPendingRead();
        (await rig.Reader.ReadAsync().Guarded()).IsCanceled.ShouldBeTrue();
        rig.Reader.AdvanceTo(default);
        rig.Reader.TryRead(out _).ShouldBeFalse();
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task A_token_ends_its_own_read_only(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        using var source = new CancellationTokenSource();
        var read = rig.Reader.ReadAsync(source.Token);
        await source.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => read.Guarded());
        await Should.ThrowAsync<OperationCanceledException>(() => rig.Reader.ReadAsync(source.Token).Guarded());
        var next = rig.Reader.ReadAsync();
        await rig.SendAsync(new byte[] { 9 });
        (await next.Guarded()).Buffer.Copy().ShouldBe([9]);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task Bytes_examined_once_may_be_asked_for_again(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        await rig.SendAsync(Bytes.Pattern(10));
        var result = await rig.ReadAtLeastAsync(10);
        rig.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        await rig.SendAsync(Bytes.Pattern(10));
        result = await rig.Reader.ReadAsync().Guarded();
        rig.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
        rig.Reader.TryRead(out result).ShouldBeTrue();
        result.Buffer.Copy().ShouldBe(Bytes.Pattern(10).Concat(Bytes.Pattern(10)).Take((int)result.Buffer.Length));
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task Calls_out_of_order_are_refused(string kind)
    {
        await using var rig = await Rig.CreateAsync(kind);
        Should.Throw<InvalidOperationException>(() => rig.Reader.AdvanceTo(default));
        await rig.SendAsync(Bytes.Pattern(10));
        var result = await rig.ReadAtLeastAsync(10);
        await Should.ThrowAsync<InvalidOperationException>(async () => await rig.Reader.ReadAsync());
        Should.Throw<InvalidOperationException>(() => rig.Reader.TryRead(out _));
        Should.Throw<InvalidOperationException>(() => rig.Reader.AdvanceTo(result.Buffer.GetPosition(5), result.Buffer.GetPosition(4)));
        rig.Reader.Complete();
        await Should.ThrowAsync<InvalidOperationException>(async () => await rig.Reader.ReadAsync());
        Should.Throw<InvalidOperationException>(() => rig.Reader.TryRead(out _));
        rig.Reader.Complete();
    }

    private sealed class Rig : IAsyncDisposable
    {
        private readonly Link? _link;
        private readonly Pipe? _pipe;

        private Rig(Link? link)
        {
            _link = link;
            if (link is null) _pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        }

        public PipeReader Reader => _pipe?.Reader ?? _link!.Input;

        public static async Task<Rig> CreateAsync(string kind) => new(kind == "Pipe" ? null : await Link.OpenAsync(Enum.Parse<Kind>(kind)));

        public Task SendAsync(ReadOnlyMemory<byte> bytes) => _pipe?.Writer.WriteAsync(bytes).AsTask() ?? _link!.SendAsync(bytes);

        public void End()
        {
            if (_pipe is not null) _pipe.Writer.Complete();
            else _link!.Peer.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }

        public Task<ReadResult> ReadAtLeastAsync(int count) => Reader.ReadAtLeastAsync(count).Guarded();

        public ValueTask DisposeAsync() => _link?.DisposeAsync() ?? default;
    }
}
