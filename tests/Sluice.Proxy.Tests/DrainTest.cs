using Sluice.Proxy.Tests.Support;

namespace Sluice.Proxy.Tests;

public class DrainTest
{
    [Fact]
    public async Task At_shutdown_tunnels_may_end_by_themselves()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { DrainTimeout = Timeout.InfiniteTimeSpan });
        using var ends = await TunnelTest.OpenAsync(proxy, backend);
        var stopping = proxy.StopAsync();
        (await proxy.Log.WaitAsync(8)).Text.ShouldStartWith("shutting down: 1 tunnels open");
        await ends.Client.SendAsync("still here");
        (await ends.Backend.ReadAsync(10)).ShouldBe("still here");
        await ends.Backend.SendAsync("bye");
        ends.Backend.EndSending();
        (await ends.Client.ReadToEndAsync()).ShouldBe("bye");
        await stopping.Guarded();
        proxy.Log.Ours.ShouldNotContain(l => l.Id == 9);
    }

    [Fact]
    public async Task Tunnels_that_do_not_end_are_cut_counted_and_the_host_stops()
    {
        var time = new ManualTime();
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { TimeProvider = time });
        using var one = await TunnelTest.OpenAsync(proxy, backend);
        using var two = await TunnelTest.OpenAsync(proxy, backend);
        var stopping = proxy.StopAsync();
        await proxy.Log.WaitAsync(8);
        await time.WaitForTimerAsync(TimeSpan.FromSeconds(5));
        time.Advance(TimeSpan.FromSeconds(4));
        proxy.Metrics["sluice.proxy.tunnels"].ShouldBe(2);
        time.Advance(TimeSpan.FromSeconds(1));
        (await proxy.Log.WaitAsync(9)).Text.ShouldBe("shutting down: 2 tunnels cut");
        foreach (var ends in new[] { one, two })
        {
            (await ends.Client.IsResetAsync()).ShouldBeTrue();
            (await ends.Backend.IsResetAsync()).ShouldBeTrue();
        }

        await stopping.Guarded();
        proxy.Log.Ours.Count(l => l.Text.Contains("(Shutdown)", StringComparison.Ordinal)).ShouldBe(2);
        proxy.Metrics["sluice.proxy.tunnels"].ShouldBe(0);
    }

    [Fact]
    public async Task During_the_drain_an_upgrade_on_an_open_connection_gets_503()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url, new() { DrainTimeout = Timeout.InfiniteTimeSpan });
        using var ends = await TunnelTest.OpenAsync(proxy, backend);
        var answer = "";
        proxy.Lifetime.ApplicationStopping.Register(() => answer = AskAsync().GetAwaiter().GetResult()); // before Kestrel is told to stop
        var stopping = proxy.StopAsync();
        await proxy.Log.WaitAsync(8);
        answer.ShouldStartWith("HTTP/1.1 503 Service Unavailable");
        answer.ShouldEndWith("503: the proxy is shutting down\n");
        backend.HasConnection.ShouldBeFalse();
        ends.Backend.EndSending();
        await stopping.Guarded();

        async Task<string> AskAsync()
        {
            using var late = await proxy.ConnectAsync();
            await late.SendAsync($"GET /ws HTTP/1.1\r\n{UpgradeTest.Fields}\r\n");
            return await late.ReadToEndAsync();
        }
    }

    [Fact]
    public async Task A_handshake_under_way_when_the_host_stops_opens_no_tunnel()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.ProxyAsync(backend.Url);
        using var wire = await proxy.ConnectAsync();
        await wire.SendAsync($"GET /ws HTTP/1.1\r\n{UpgradeTest.Fields}\r\n");
        using var seen = await backend.AcceptAsync();
        var head = await seen.ReadHeadAsync();
        var stopping = proxy.StopAsync();
        await seen.SendAsync(WireBackend.Accepting(head));
        (await wire.ReadHeadAsync()).Start.ShouldBe("HTTP/1.1 503 Service Unavailable");
        (await wire.ReadToEndAsync()).ShouldBe("503: the proxy is shutting down\n");
        await seen.IsGoneAsync();
        await stopping.Guarded();
    }
}
