using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

/// <summary>The tunnel with raw sockets at both ends.</summary>
public class TunnelTest
{
    [Fact]
    public async Task Bytes_pass_unread_both_ways()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var ends = await OpenAsync(proxy, backend);
        await ends.Client.SendAsync("no frame at all \0\u00ff");
        (await ends.Backend.ReadAsync(18)).ShouldBe("no frame at all \0\u00ff");
        await ends.Backend.SendAsync("HTTP/1.1 200 OK\r\n\r\n");
        (await ends.Client.ReadAsync(19)).ShouldBe("HTTP/1.1 200 OK\r\n\r\n");
        proxy.Metrics["sluice.proxy.tunnels"].ShouldBe(1);
        proxy.Metrics["sluice.proxy.bytes/to_backend"].ShouldBe(18);
        proxy.Metrics["sluice.proxy.bytes/to_client"].ShouldBe(19);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(60_000)]
    public async Task Bytes_right_behind_the_request_and_the_101_are_not_lost(int size)
    {
        var fromClient = new string('c', size);
        var fromBackend = new string('b', size);
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{UpgradeTest.Fields}\r\n{fromClient}");
        using var seen = await backend.AcceptAsync();
        var head = await seen.ReadHeadAsync();
        await seen.SendAsync(WireBackend.Accepting(head, fromBackend));
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 101 Switching Protocols");
        (await wire.ReadAsync(size)).ShouldBe(fromBackend);
        (await seen.ReadAsync(size)).ShouldBe(fromClient);

        // and what follows is in order behind them
        await wire.SendAsync("C");
        await seen.SendAsync("B");
        (await seen.ReadAsync(1)).ShouldBe("C");
        (await wire.ReadAsync(1)).ShouldBe("B");
    }

    [Fact]
    public async Task A_backend_that_answers_and_ends_at_once_is_heard_to_the_end()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{UpgradeTest.Fields}\r\n");
        using (var seen = await backend.AcceptAsync()) await seen.SendAsync(WireBackend.Accepting(await seen.ReadHeadAsync(), "last words"));
        await wire.ReadHeadAsync();
        (await wire.ReadToEndAsync()).ShouldBe("last words");
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(BackendClosed)");
    }

    [Theory]
    [InlineData(10)]
    [InlineData(3_000_000)]
    public async Task The_end_of_the_backends_side_reaches_the_client_behind_all_bytes(int size)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var ends = await OpenAsync(proxy, backend);
        var sending = ends.Backend.SendAsync(new string('x', size));
        var got = ends.Client.ReadToEndAsync();
        await sending;
        ends.Backend.EndSending();
        (await got).Length.ShouldBe(size);
        await ends.Client.IsGoneAsync();
        await ends.Backend.IsGoneAsync();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(BackendClosed)");
        proxy.Metrics["sluice.proxy.tunnels"].ShouldBe(0);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(3_000_000)]
    public async Task The_end_of_the_clients_side_reaches_the_backend_behind_all_bytes(int size)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var ends = await OpenAsync(proxy, backend);
        var got = ends.Backend.ReadToEndAsync();
        await ends.Client.SendAsync(new string('x', size));
        ends.Client.EndSending();
        (await got).Length.ShouldBe(size);
        ends.Backend.EndSending();
        await ends.Client.IsGoneAsync();
        await ends.Backend.IsGoneAsync();
        var line = await proxy.Log.WaitAsync(7);
        line.Text.ShouldContain("(ClientClosed)");
        line.Text.ShouldContain($"{size} bytes to the backend");
        proxy.Log.Ours.ShouldHaveSingleItem();
        proxy.Metrics["sluice.proxy.tunnels"].ShouldBe(0);
    }

    [Fact]
    public async Task A_backend_that_does_not_end_after_the_client_is_cut_in_time()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time });
        using var ends = await OpenAsync(proxy, backend);
        ends.Client.EndSending();
        (await ends.Backend.ReadToEndAsync()).ShouldBe("");
        await time.WaitForTimerAsync(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(4));
        proxy.Log.Ours.ShouldBeEmpty();
        time.Advance(TimeSpan.FromSeconds(1));
        await ends.Backend.IsGoneAsync();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(HalfCloseTimeout)");
        proxy.Metrics["sluice.proxy.failures/tunnel_half_close_timeout"].ShouldBe(1);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(3_000_000)]
    public async Task Where_the_listener_allows_it_a_client_that_has_ended_its_side_hears_the_backend_to_the_end(int size)
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, listen: l => l.UseHalfClose());
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{UpgradeTest.Fields}\r\nquestion");
        wire.EndSending(); // before the tunnel is there
        using var seen = await backend.AcceptAsync();
        await seen.SendAsync(WireBackend.Accepting(await seen.ReadHeadAsync()));
        (await seen.ReadToEndAsync()).ShouldBe("question");
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 101 Switching Protocols");
        var sending = seen.SendAsync(new string('x', size));
        (await wire.ReadAsync(size)).Length.ShouldBe(size);
        await sending;
        seen.EndSending();
        (await wire.ReadToEndAsync()).ShouldBe("");
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(ClientClosed)");
        proxy.Metrics["sluice.proxy.tunnels"].ShouldBe(0);
    }

    [Fact]
    public async Task A_backend_that_falls_silent_after_the_client_has_ended_is_cut_in_time_counted_from_its_last_bytes()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time }, listen: l => l.UseHalfClose());
        using var ends = await OpenAsync(proxy, backend);
        ends.Client.EndSending();
        (await ends.Backend.ReadToEndAsync()).ShouldBe("");
        await time.WaitForTimerAsync(TimeSpan.FromSeconds(5));
        for (var i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromSeconds(4));
            await ends.Backend.SendAsync("x");
            (await ends.Client.ReadAsync(1)).ShouldBe("x");
            await time.WaitForStartAsync(TimeSpan.FromSeconds(5));
        }

        time.Advance(TimeSpan.FromSeconds(5));
        (await ends.Client.IsResetAsync()).ShouldBeTrue();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(HalfCloseTimeout)");
    }

    [Fact]
    public async Task A_reset_by_the_client_resets_the_backend()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var ends = await OpenAsync(proxy, backend);
        ends.Client.Reset();
        (await ends.Backend.IsResetAsync()).ShouldBeTrue();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(ClientReset)");
        proxy.Log.Ours.ShouldHaveSingleItem();
        proxy.Log.All.ShouldNotContain(l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_reset_by_the_backend_resets_the_client()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var ends = await OpenAsync(proxy, backend);
        ends.Backend.Reset();
        (await ends.Client.IsResetAsync()).ShouldBeTrue();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(BackendReset)");
        proxy.Log.Ours.ShouldHaveSingleItem();
        proxy.Log.All.ShouldNotContain(l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task What_the_backend_said_before_it_closed_is_heard_though_it_takes_no_more()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var ends = await OpenAsync(proxy, backend);
        await ends.Backend.SendAsync("goodbye");
        ends.Backend.Dispose();
        await ends.Client.SendAsync("too late");
        (await ends.Client.ReadAsync(7)).ShouldBe("goodbye");
        await proxy.Log.WaitAsync(7);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_holds_the_backend_up_and_is_cut_in_time()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time });
        using var ends = await OpenAsync(proxy, backend);
        (await Flood.UntilBlockedAsync(ends.Backend.Socket, 256 * 1024 * 1024)).ShouldBeLessThan(64 * 1024 * 1024);
        proxy.Metrics["sluice.proxy.bytes/to_client"].ShouldBeLessThan(32 * 1024 * 1024);
        await time.WaitForTimerAsync(TimeSpan.FromMinutes(1));
        time.Advance(TimeSpan.FromMinutes(1));
        (await ends.Backend.IsResetAsync()).ShouldBeTrue();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(ClientStalled)");
    }

    [Fact]
    public async Task A_backend_that_reads_nothing_holds_the_client_up_and_is_cut_in_time()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time });
        using var ends = await OpenAsync(proxy, backend);
        (await Flood.UntilBlockedAsync(ends.Client.Socket, 256 * 1024 * 1024)).ShouldBeLessThan(64 * 1024 * 1024);
        await time.WaitForTimerAsync(TimeSpan.FromMinutes(1));
        time.Advance(TimeSpan.FromMinutes(1));
        (await ends.Client.IsResetAsync()).ShouldBeTrue();
        (await proxy.Log.WaitAsync(7)).Text.ShouldContain("(BackendStalled)");
    }

    [Fact]
    public async Task One_direction_that_is_stuck_does_not_stop_the_other()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var ends = await OpenAsync(proxy, backend);
        await Flood.UntilBlockedAsync(ends.Backend.Socket, 256 * 1024 * 1024);
        await ends.Client.SendAsync("hello");
        (await ends.Backend.ReadAsync(5)).ShouldBe("hello");
    }

    [Fact]
    public async Task A_slow_reader_gets_everything_in_order()
    {
        const int Size = 20 * 1024 * 1024;
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { BufferSize = 1024 });
        using var ends = await OpenAsync(proxy, backend);
        var sent = new byte[Size];
        Random.Shared.NextBytes(sent);
        foreach (var (from, to) in new[] { (ends.Client, ends.Backend), (ends.Backend, ends.Client) })
        {
            var sending = from.SendAsync(sent);
            var got = new byte[Size];
            for (var at = 0; at < Size;) at += await to.Socket.ReceiveAsync(got.AsMemory(at, Math.Min(3000, Size - at))).AsTask().Guarded();
            await sending;
            got.AsSpan().SequenceEqual(sent).ShouldBeTrue();
        }
    }

    internal static async Task<Ends> OpenAsync(TestHost proxy, WireBackend backend)
    {
        var client = await proxy.ConnectAsync();
        await client.SendAsync($"GET /ws HTTP/1.1\r\n{UpgradeTest.Fields}\r\n");
        var seen = await backend.AcceptAsync();
        await seen.SendAsync(WireBackend.Accepting(await seen.ReadHeadAsync()));
        (await client.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 101 Switching Protocols");
        return new(client, seen);
    }

    internal sealed record Ends(Wire Client, Wire Backend) : IDisposable
    {
        public void Dispose()
        {
            Client.Dispose();
            Backend.Dispose();
        }
    }
}
