using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

/// <summary>How connections end: the same tests for Kestrel's transport and for ours.</summary>
public class LifetimeTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_FIN_cancels_ConnectionClosed_and_leaves_the_writing_side_alone(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var closed = link.Connection.ConnectionClosed.WhenCanceled();
        link.Peer.Shutdown(SocketShutdown.Send);
        (await link.Input.ReadAsync().Guarded()).IsCompleted.ShouldBeTrue();
        await closed.Guarded();
        (await link.Output.WriteAsync(Bytes.Pattern(100_000)).Guarded()).IsCompleted.ShouldBeFalse();
        (await link.ReceiveAsync(100_000)).ShouldBe(Bytes.Pattern(100_000));
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_FIN_is_noticed_while_nobody_reads(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        await link.SendAsync(Bytes.Pattern(1000));
        link.Peer.Shutdown(SocketShutdown.Send);
        await link.Connection.ConnectionClosed.WhenCanceled().Guarded();
        (await link.Input.ReadAtLeastAsync(1000).Guarded()).Buffer.Copy().ShouldBe(Bytes.Pattern(1000), "the bytes before it are still there");
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_FIN_behind_more_than_may_be_unread_waits_for_the_reader(Kind kind)
    {
        const int Total = 2_500_000;
        await using var link = await Link.OpenAsync(kind);
        var closed = link.Connection.ConnectionClosed.WhenCanceled();
        var send = Task.Run(async () =>
        {
            await link.SendAsync(Bytes.Pattern(Total));
            link.Peer.Shutdown(SocketShutdown.Send);
        });
        for (long at = 0; at < Total;)
        {
            var result = await link.Input.ReadAsync().Guarded();
            if (at + result.Buffer.Length <= 100_000) closed.IsCompleted.ShouldBeFalse();
            at += result.Buffer.Length;
            link.Input.AdvanceTo(result.Buffer.End);
        }
        await send.Guarded();
        await closed.Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Completing_the_output_behind_a_FIN_leaves_what_came_before_it_to_the_reader(Kind kind)
    {
        // As Kestrel does when ConnectionClosed tells it of the FIN.
        foreach (var size in (int[])[0, 10, 100_000])
        {
            await using var link = await Link.OpenAsync(kind);
            await link.SendAsync(Bytes.Pattern(size));
            link.Peer.Shutdown(SocketShutdown.Send);
            await link.Connection.ConnectionClosed.WhenCanceled().Guarded();
            await link.Output.CompleteAsync();
            (await link.ReceiveToEndAsync()).ShouldBe(0);
            var result = await link.Input.ReadAtLeastAsync(size).Guarded();
            result.Buffer.Copy().ShouldBe(Bytes.Pattern(size));
            link.Input.AdvanceTo(result.Buffer.End);
            (await link.Input.ReadAsync().Guarded()).IsCompleted.ShouldBeTrue();
        }
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task So_it_does_while_the_reader_looks_at_what_came_first(Kind kind)
    {
        const int Total = 100_000;
        await using var link = await Link.OpenAsync(kind);
        await link.SendAsync(Bytes.Pattern(Total));
        var first = await link.Input.ReadAsync().Guarded();
        link.Peer.Shutdown(SocketShutdown.Send);
        var closed = link.Connection.ConnectionClosed.WhenCanceled();
        await closed.Guarded();
        await link.Output.CompleteAsync();
        (await link.ReceiveToEndAsync()).ShouldBe(0);
        var half = first.Buffer.GetPosition(first.Buffer.Length / 2);
        var consumed = first.Buffer.Slice(0, half).Length;
        first.Buffer.Slice(0, half).Copy().ShouldBe(Bytes.Pattern(Total)[..(int)consumed]);
        link.Input.AdvanceTo(half, first.Buffer.End);
        var rest = await link.Input.ReadAtLeastAsync((int)(Total - consumed)).Guarded();
        rest.Buffer.Copy().ShouldBe(Bytes.Pattern(Total)[(int)consumed..]);
        link.Input.AdvanceTo(rest.Buffer.End);
        (await link.Input.ReadAsync().Guarded()).IsCompleted.ShouldBeTrue();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Completing_the_output_sends_what_was_written_and_closes_both_directions(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var read = link.Input.ReadAsync();
        var received = link.ReceiveToEndAsync();
        for (var i = 0; i < 100; i++) await link.Output.WriteAsync(new byte[50_000]).Guarded();
        link.Output.Write(new byte[77]);
        await link.Output.CompleteAsync().Guarded();
        (await received).ShouldBe(5_000_077);
        await read.ErrorAsync<ConnectionAbortedException, ReadResult>();
        await link.Connection.ConnectionClosed.WhenCanceled().Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Completing_the_output_with_bytes_unread_ends_before_it_resets(Kind kind)
    {
        for (var round = 0; round < 20; round++)
        {
            await using var link = await Link.OpenAsync(kind);
            await link.SendAsync(Bytes.Pattern(10));
            link.Input.AdvanceTo((await link.Input.ReadAtLeastAsync(10).Guarded()).Buffer.End);
            await link.SendAsync(Bytes.Pattern(1000));
            await link.Output.WriteAsync(new byte[77]).Guarded();
            await link.Output.CompleteAsync().Guarded();
            (await link.ReceiveToEndAsync()).ShouldBe(77);
        }
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Completing_the_output_with_an_error_resets(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        await link.Output.CompleteAsync(new InvalidOperationException("broken")).Guarded();
        var error = await Should.ThrowAsync<SocketException>(() => link.ReceiveToEndAsync());
        error.SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
        await Should.ThrowAsync<InvalidOperationException>(() => link.Input.ReadAsync().Guarded());
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Abort_resets_and_tells_the_reader_why(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var read = link.Input.ReadAsync();
        var closed = link.Connection.ConnectionClosed.WhenCanceled();
        link.Connection.Abort(new ConnectionAbortedException("enough"));
        (await read.ErrorAsync<ConnectionAbortedException, ReadResult>()).Message.ShouldBe("enough");
        var error = await Should.ThrowAsync<SocketException>(() => link.ReceiveToEndAsync());
        error.SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
        await closed.Guarded();
        Should.Throw<ConnectionAbortedException>(() => link.Input.ReadAsync().GetAwaiter().GetResult()).Message.ShouldBe("enough");
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Many_aborts_at_once_are_one(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => link.Connection.Abort()))).Guarded();
        await link.Connection.ConnectionClosed.WhenCanceled().Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_reset_by_the_peer_ends_the_read_that_waits(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var read = link.Input.ReadAsync();
        link.ResetByPeer();
        await Should.ThrowAsync<ConnectionResetException>(() => read.Guarded());
        await link.Connection.ConnectionClosed.WhenCanceled().Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_reset_is_noticed_while_nobody_reads(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        link.ResetByPeer();
        await link.Connection.ConnectionClosed.WhenCanceled().Guarded();
        await Should.ThrowAsync<ConnectionResetException>(() => link.Input.ReadAsync().Guarded());
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Writing_to_a_peer_that_is_gone_completes_the_flush(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        link.ResetByPeer();
        while (!(await link.Output.WriteAsync(new byte[1000]).Guarded()).IsCompleted) await Task.Yield();
        await Should.ThrowAsync<ConnectionResetException>(() => link.Input.ReadAsync().Guarded());
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Disposing_waits_until_everything_is_sent(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, peerReceiveBuffer: 16 * 1024);
        long written = 0;
        while (true)
        {
            var flush = link.Output.WriteAsync(new byte[8192]);
            written += 8192;
            if (!flush.IsCompleted) break;
        }
        var disposed = link.Connection.DisposeAsync().AsTask();
        disposed.IsCompleted.ShouldBeFalse("the peer has not read");
        (await link.ReceiveToEndAsync()).ShouldBe(written);
        await disposed.Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Disposing_ends_at_an_abort_when_the_peer_never_reads(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind, peerReceiveBuffer: 16 * 1024);
        while (link.Output.WriteAsync(new byte[8192]).IsCompleted) continue;
        var disposed = link.Connection.DisposeAsync().AsTask();
        link.Connection.Abort();
        await disposed.Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_peer_waits_while_nobody_reads(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        link.Peer.Blocking = false;
        long sent = 0;
        var full = 0;
        while (full < 50)
        {
            try
            {
                sent += link.Peer.Send(Bytes.Pattern(65536, (int)sent));
                full = 0;
                sent.ShouldBeLessThan(64L * 1024 * 1024, "nobody reads");
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                full++;
                await Task.Yield();
            }
        }
        await link.Input.ReadPatternAsync(sent);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task The_features_of_Kestrels_transport_are_there(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var features = link.Connection.Features;
        features.Get<IConnectionIdFeature>()!.ConnectionId.ShouldBe(link.Connection.ConnectionId);
        features.Get<IConnectionTransportFeature>()!.Transport.ShouldBeSameAs(link.Connection.Transport);
        features.Get<IConnectionItemsFeature>()!.Items["a"] = 1;
        link.Connection.Items["a"].ShouldBe(1);
        using (var memory = features.Get<IMemoryPoolFeature>()!.MemoryPool.Rent(1)) memory.Memory.Length.ShouldBeGreaterThan(0);
        features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed.ShouldBe(link.Connection.ConnectionClosed);
        link.Connection.RemoteEndPoint.ShouldBe(link.Peer.LocalEndPoint);
        link.Connection.LocalEndPoint.ShouldBe(link.Peer.RemoteEndPoint);
        features.Get<IConnectionUserFeature>().ShouldBeNull();
        features.Set<IConnectionIdFeature>(null);
        features.Get<IConnectionIdFeature>().ShouldBeNull();
        features.Get<IConnectionLifetimeFeature>()!.Abort();
        await link.Connection.ConnectionClosed.WhenCanceled().Guarded();
    }
}
