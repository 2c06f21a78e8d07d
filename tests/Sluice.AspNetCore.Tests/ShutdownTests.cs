using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

public class ShutdownTests
{
    private const string Reason = "the server is shutting down";

    [Fact]
    public async Task Section_7_4_1_open_sockets_are_closed_with_1001()
    {
        await using var server = await RunningServer.StartAsync(app =>
        {
            app.MapWebSocket("/ws", Echo.Handler);
            app.MapWebSocket("/pull", async connection =>
            {
                await foreach (var message in connection.ReadAllAsync()) await connection.SendAsync(message);
            });
        });
        var peers = new List<RawPeer>();
        for (var i = 0; i < 10; i++) peers.Add(await server.OpenAsync(i % 2 == 0 ? "/ws" : "/pull"));
        foreach (var peer in peers)
        {
            await peer.SendAsync(MaskedFrame.Text("ready?"));
            (await peer.ReadFrameAsync()).Text.ShouldBe("ready?");
        }
        var stopping = server.StopAsync();
        foreach (var peer in peers)
        {
            using (peer)
            {
                (await peer.ReadCloseAsync()).ShouldBe((1001, Reason));
                await peer.SendAsync(MaskedFrame.Close(1001));
                await peer.ShouldEndAsync();
            }
        }
        await stopping;
        server.Log.OfSluice.Count(e => e.Id.Name == "Closed").ShouldBe(10);
        server.Log.OfSluice.Where(e => e.Level >= LogLevel.Information).ShouldHaveSingleItem().Message.ShouldBe("shutting down: closing 10 connections with 1001");
    }

    [Fact]
    public async Task A_socket_that_is_opened_during_the_stop_is_closed_with_1001()
    {
        // The request is under way when the stop begins, and becomes a WebSocket afterwards.
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await RunningServer.StartAsync(app =>
        {
            var stopping = app.Lifetime.ApplicationStopping;
            app.Use(async (HttpContext context, RequestDelegate next) =>
            {
                arrived.SetResult();
                var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                await using (stopping.Register(stop.SetResult)) await stop.Task;
                await next(context);
            });
            app.MapWebSocket("/ws", Echo.Handler);
        });
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws"));
        await arrived.Task.WaitAsync(RawPeer.Guard);
        var stopped = server.StopAsync();
        (await peer.ReadResponseAsync()).Status.ShouldBe(101);
        (await peer.ReadCloseAsync()).ShouldBe((1001, Reason));
        await peer.SendAsync(MaskedFrame.Close(1001));
        await peer.ShouldEndAsync();
        await stopped;
    }

    [Fact]
    public async Task A_client_that_never_answers_holds_the_stop_for_CloseTimeout_only()
    {
        var options = new WebSocketEndpointOptions { Connection = new ConnectionOptions { CloseTimeout = TimeSpan.FromMilliseconds(200) } };
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/ws", Echo.Handler, options),
            services: services => services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(10)));
        using var peer = await server.OpenAsync();
        await server.StopAsync(); // returns within the guard, which is shorter than the host's time
        (await peer.ReadCloseAsync()).ShouldBe((1001, Reason));
        server.Log.OfSluice.ShouldContain(e => e.Id.Name == "ClosedAbnormally" && e.Message.Contains("did not answer the close frame", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("ApplicationStopping")]
    [InlineData("a normal return")]
    public async Task A_handler_that_watches_the_stop_closes_with_1001_too(string way)
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", async connection =>
        {
            await connection.SendAsync("ready");
            var stopping = app.Lifetime.ApplicationStopping;
            await (way == "ApplicationStopping" ? stopping.UntilCanceled() : stopping.WhenCanceled());
        }));
        using var peer = await server.OpenAsync();
        (await peer.ReadFrameAsync()).Text.ShouldBe("ready");
        var stopped = server.StopAsync();
        (await peer.ReadCloseAsync()).ShouldBe((1001, Reason));
        await peer.SendAsync(MaskedFrame.Close(1001));
        await peer.ShouldEndAsync();
        await stopped;
        server.Log.OfSluice.ShouldNotContain(e => e.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task A_handler_that_ignores_the_close_costs_the_client_nothing_and_the_host_its_own_time_only()
    {
        var never = new TaskCompletionSource();
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/ws", _ => never.Task),
            services: services => services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMilliseconds(200)));
        using var peer = await server.OpenAsync();
        await server.Log.WaitForAsync("Opened");
        var stopped = server.StopAsync();
        (await peer.ReadCloseAsync()).ShouldBe((1001, Reason));
        await peer.SendAsync(MaskedFrame.Close(1001));
        await peer.ShouldEndAsync();
        await stopped;
        never.SetResult();
        await server.Log.WaitForAsync("Closed");
    }
}
