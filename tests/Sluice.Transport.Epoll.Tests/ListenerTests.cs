using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

public class ListenerTests
{
    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Unbinding_ends_the_accept_that_waits_and_leaves_connections_alone(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var accept = link.Listener.AcceptAsync();
        await link.Listener.UnbindAsync().Guarded();
        (await accept.Guarded()).ShouldBeNull();
        (await link.Listener.AcceptAsync().Guarded()).ShouldBeNull();
        await link.SendAsync(Bytes.Pattern(10));
        await link.Input.ReadPatternAsync(10);
        using var late = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await Should.ThrowAsync<SocketException>(() => late.ConnectAsync(link.Listener.EndPoint).Guarded());
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_port_can_be_bound_again_while_its_connections_live(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        await link.Listener.UnbindAsync().Guarded();
        await link.Listener.DisposeAsync().Guarded();
        var factory = Transports.Create(kind);
        await using (var second = await factory.BindAsync(link.Listener.EndPoint).Guarded())
        {
            var (connection, peer) = await Link.ConnectAsync(second);
            await peer.SendAsync(Bytes.Pattern(10));
            await connection.Transport.Input.ReadPatternAsync(10);
            peer.Dispose();
            await connection.DisposeAsync().Guarded();
        }
        (factory as IDisposable)?.Dispose();
    }

    [Fact]
    public async Task Connections_are_asked_by_TCP_whether_their_peer_is_there_as_the_options_say()
    {
        await using var silent = await Link.OpenAsync(Kind.Adaptive);
        Option(silent, SocketOptionLevel.Socket, SocketOptionName.KeepAlive).ShouldBe(0);

        await using var asked = await Link.OpenAsync(Kind.Adaptive, options => options.KeepAliveTime = TimeSpan.FromSeconds(15));
        Option(asked, SocketOptionLevel.Socket, SocketOptionName.KeepAlive).ShouldBe(1);
        Option(asked, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime).ShouldBe(15);
        Option(asked, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval).ShouldBe(5);
        Option(asked, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount).ShouldBe(3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(32_768)]
    public void A_time_that_the_kernel_would_not_take_is_refused(int seconds)
        => Should.Throw<ArgumentOutOfRangeException>(() => new EpollTransportOptions { KeepAliveTime = TimeSpan.FromSeconds(seconds) });

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_port_in_use_is_an_error(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        var factory = Transports.Create(kind);
        await Should.ThrowAsync<AddressInUseException>(() => factory.BindAsync(link.Listener.EndPoint).Guarded());
        (factory as IDisposable)?.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Each_loop_has_a_listening_socket_of_its_own(int loops)
    {
        var factory = Transports.Create(Kind.Adaptive, options => options.LoopCount = loops);
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        ShouldListen(listener.EndPoint, loops);
        await listener.UnbindAsync().Guarded();
        ShouldListen(listener.EndPoint, 0);
        await listener.DisposeAsync().Guarded();
        (factory as IDisposable)!.Dispose();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task Loops_have_as_many_connections_as_each_other_though_the_kernel_spreads_them_by_chance(Kind kind)
    {
        const int Loops = 4, Count = 200;
        var factory = Transports.Create(kind, options => options.LoopCount = Loops);
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var links = new List<(ConnectionContext Connection, Socket Peer)>();
        for (var i = 0; i < Count; i++) links.Add(await Link.ConnectAsync(listener));
        var counts = links.CountBy(link => ((EpollConnection)link.Connection).Loop).Select(loop => loop.Value).ToArray();
        counts.Length.ShouldBe(Loops);
        // An eighth more than the least, and the one that is being added.
        (counts.Max() - counts.Min()).ShouldBeLessThanOrEqualTo((Count / Loops / 8) + 1);
        foreach (var (connection, peer) in links)
        {
            peer.Dispose();
            await connection.DisposeAsync().Guarded();
        }
        await listener.DisposeAsync().Guarded();
        (factory as IDisposable)!.Dispose();
    }

    [Fact]
    public async Task A_port_that_several_loops_listen_on_is_in_use_for_a_second_server()
    {
        var first = Transports.Create(Kind.Adaptive, options => options.LoopCount = 4);
        await using var listener = await first.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        foreach (var kind in Enum.GetValues<Kind>())
        {
            var second = Transports.Create(kind, options => options.LoopCount = 4);
            await Should.ThrowAsync<AddressInUseException>(() => second.BindAsync(listener.EndPoint).Guarded());
            (second as IDisposable)?.Dispose();
        }
        (first as IDisposable)!.Dispose();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task Connections_that_wait_when_the_listener_is_unbound_are_still_handed_out(Kind kind)
    {
        var factory = Transports.Create(kind);
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var peers = Enumerable.Range(0, 5).Select(_ => new Socket(SocketType.Stream, ProtocolType.Tcp)).ToArray();
        foreach (var peer in peers) await peer.ConnectAsync(listener.EndPoint);
        await listener.UnbindAsync().Guarded();
        for (var i = 0; i < peers.Length; i++)
        {
            var connection = (await listener.AcceptAsync().Guarded()).ShouldNotBeNull();
            await connection.Transport.Output.WriteAsync(Bytes.Pattern(4)).Guarded();
            connection.Abort();
            await connection.DisposeAsync().Guarded();
        }
        (await listener.AcceptAsync().Guarded()).ShouldBeNull();
        foreach (var peer in peers) peer.Dispose();
        await listener.DisposeAsync().Guarded();
        (factory as IDisposable)!.Dispose();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task So_are_those_of_which_the_loops_have_not_heard_yet(Kind kind)
    {
        var factory = Transports.Create(kind);
        for (var i = 0; i < 50; i++)
        {
            var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
            using (var source = new CancellationTokenSource())
            {
                // Every queue is found empty.
                var accept = listener.AcceptAsync(source.Token);
                await source.CancelAsync();
                await Should.ThrowAsync<OperationCanceledException>(() => accept.Guarded());
            }
            using var peer = new Socket(SocketType.Stream, ProtocolType.Tcp);
            peer.Connect(listener.EndPoint);
            await listener.UnbindAsync().Guarded();
            var connection = (await listener.AcceptAsync().Guarded()).ShouldNotBeNull();
            connection.Abort();
            await connection.DisposeAsync().Guarded();
            await listener.DisposeAsync().Guarded();
        }
        (factory as IDisposable)!.Dispose();
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task Connections_that_nobody_accepts_are_closed_with_the_listener(Kind kind)
    {
        var factory = Transports.Create(kind);
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        using var peer = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.EndPoint);
        await listener.DisposeAsync().Guarded();
        await Should.ThrowAsync<SocketException>(() => peer.ReceiveAsync(new byte[1]).Guarded());
        (factory as IDisposable)!.Dispose();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task A_token_ends_its_own_accept(Kind kind)
    {
        await using var link = await Link.OpenAsync(kind);
        using var source = new CancellationTokenSource();
        var accept = link.Listener.AcceptAsync(source.Token);
        await source.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => accept.Guarded());
        var (connection, peer) = await Link.ConnectAsync(link.Listener);
        peer.Dispose();
        await connection.DisposeAsync().Guarded();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task IPv6_and_both_families_at_once(Kind kind)
    {
        var factory = Transports.Create(kind);
        await using (var v6 = await factory.BindAsync(new IPEndPoint(IPAddress.IPv6Loopback, 0)))
        {
            var (connection, peer) = await Link.ConnectAsync(v6);
            connection.RemoteEndPoint.ShouldBe(peer.LocalEndPoint);
            connection.LocalEndPoint.ShouldBe(peer.RemoteEndPoint);
            peer.Dispose();
            await connection.DisposeAsync().Guarded();
        }
        await using (var both = await factory.BindAsync(new IPEndPoint(IPAddress.IPv6Any, 0)))
        {
            var port = ((IPEndPoint)both.EndPoint).Port;
            foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
            {
                using var peer = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                await peer.ConnectAsync(address, port);
                var connection = (await both.AcceptAsync().Guarded())!;
                ((IPEndPoint)connection.RemoteEndPoint!).Address.MapToIPv6().ShouldBe(address.MapToIPv6());
                ((IPEndPoint)connection.LocalEndPoint!).Port.ShouldBe(port);
                peer.Dispose();
                await connection.DisposeAsync().Guarded();
            }
        }
        (factory as IDisposable)?.Dispose();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Unix_domain_sockets(Kind kind)
    {
        var factory = Transports.Create(kind);
        var folder = Directory.CreateTempSubdirectory("epoll");
        await using (var listener = await factory.BindAsync(new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, "s"))))
        {
            var (connection, peer) = await Link.ConnectAsync(listener);
            for (var at = 0; at < 500_000; at += 50_000)
            {
                var send = peer.SendAsync(Bytes.Pattern(50_000));
                await connection.Transport.Input.ReadPatternAsync(50_000);
                await send.Guarded();
            }
            peer.Shutdown(SocketShutdown.Send);
            (await connection.Transport.Input.ReadAsync().Guarded()).IsCompleted.ShouldBeTrue();
            await connection.DisposeAsync().Guarded();
            (await peer.ReceiveAsync(new byte[1]).Guarded()).ShouldBe(0);
            peer.Dispose();
        }
        (factory as IDisposable)?.Dispose();
        folder.Delete(recursive: true);
    }

    [Theory, MemberData(nameof(Transports.Ours), MemberType = typeof(Transports))]
    public async Task A_thousand_connections_come_and_go(Kind kind)
    {
        var factory = Transports.Create(kind);
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var serve = Task.Run(async () =>
        {
            var all = new List<Task>();
            while (await listener.AcceptAsync() is { } connection) all.Add(Echo.RunAsync(connection));
            await Task.WhenAll(all);
        });
        await Task.WhenAll(Enumerable.Range(0, 10).Select(worker => Task.Run(async () =>
        {
            var buffer = new byte[100];
            for (var i = 0; i < 100; i++)
            {
                using var peer = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await peer.ConnectAsync(listener.EndPoint).Guarded();
                await peer.SendAsync(Bytes.Pattern(100, i)).Guarded();
                for (var at = 0; at < 100;) at += await peer.ReceiveAsync(buffer.AsMemory(at)).Guarded();
                buffer.ShouldBe(Bytes.Pattern(100, i));
                if (i % 3 == worker % 3) peer.LingerState = new LingerOption(enable: true, seconds: 0);
            }
        }))).Guarded();
        await listener.UnbindAsync();
        await serve.Guarded();
        await listener.DisposeAsync().Guarded();
        (factory as IDisposable)!.Dispose();
    }

    // The kernel's list is read in pieces, and may miss one while other tests open and close theirs.
    private static void ShouldListen(EndPoint endpoint, int count)
    {
        for (var attempt = 0; CountListening(endpoint) is var found && found != count; attempt++) attempt.ShouldBeLessThan(100, $"{found} listen");
    }

    // As the kernel lists them: the local address, and state 0A for one that listens.
    private static int CountListening(EndPoint endpoint)
    {
        var address = $"0100007F:{((IPEndPoint)endpoint).Port:X4} ";
        return File.ReadLines("/proc/net/tcp").Count(line => line.Contains(" " + address, StringComparison.Ordinal) && line.Contains(" 0A ", StringComparison.Ordinal));
    }

    private static int Option(Link link, SocketOptionLevel level, SocketOptionName name)
    {
        using var handle = new SafeSocketHandle(((EpollConnection)link.Connection).Descriptor, ownsHandle: false);
        using var socket = new Socket(handle);
        return (int)socket.GetSocketOption(level, name)!;
    }
}
