using System.Collections.Concurrent;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

public class MemoryTests
{
    private const int Connections = 1000;

    [Fact]
    public async Task Connections_that_ended_are_not_kept()
    {
        var seen = new ConcurrentBag<WeakReference>();
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", connection =>
        {
            seen.Add(new WeakReference(connection));
            return connection.RunAsync(Echo.Handler);
        }));
        for (var i = 0; i < Connections; i++) await TalkAsync(server, clean: i % 2 == 0);
        await server.Log.WaitForAsync("Closed", Connections / 2);
        await server.Log.WaitForAsync("ClosedAbnormally", Connections / 2);
        seen.Count.ShouldBe(Connections);
        // A last one: what threads and pools hold of the one before is let go.
        await TalkAsync(server, clean: true);
        await server.Log.WaitForAsync("Closed", (Connections / 2) + 1);
        for (var tries = 0; tries < 10 && seen.Count(reference => reference.IsAlive) > 2; tries++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Task.Yield();
        }
        seen.Count(reference => reference.IsAlive).ShouldBeLessThanOrEqualTo(2);
    }

    private static async Task TalkAsync(RunningServer server, bool clean)
    {
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Text("hello"));
        (await peer.ReadFrameAsync()).Text.ShouldBe("hello");
        if (!clean)
        {
            peer.Reset();
            return;
        }
        await peer.SendAsync(MaskedFrame.Close(1000));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        await peer.ShouldEndAsync();
    }
}
