using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sluice.AspNetCore.Tests.Support;

/// <summary>An application on a real Kestrel on a free port of the loopback. Disposing it fails the test when the server has
/// logged a warning.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RunningServer(WebApplication app, CapturedLog log)
    {
        _app = app;
        Log = log;
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Port = new Uri(address).Port;
    }

    public CapturedLog Log { get; }

    public int Port { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<RunningServer> StartAsync(
        Action<WebApplication> map, Action<ListenOptions>? listen = null, Action<KestrelServerLimits>? limits = null,
        Action<IServiceCollection>? services = null, Action<IWebHostBuilder>? host = null)
    {
        var log = new CapturedLog();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        builder.Logging.AddProvider(log);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            limits?.Invoke(kestrel.Limits);
            kestrel.Listen(new IPEndPoint(IPAddress.Loopback, 0), options => listen?.Invoke(options));
        });
        host?.Invoke(builder.WebHost);
        services?.Invoke(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new RunningServer(app, log);
    }

    public Task<RawPeer> ConnectAsync() => RawPeer.ConnectAsync(Port);

    /// <summary>A peer that has opened a WebSocket.</summary>
    public async Task<RawPeer> OpenAsync(string path = "/ws")
    {
        var peer = await ConnectAsync();
        await peer.SendAsync(Handshakes.Request(Port, path));
        (await peer.ReadResponseAsync()).Status.ShouldBe(101);
        return peer;
    }

    public Task StopAsync() => _app.StopAsync().WaitAsync(RawPeer.Guard);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync().WaitAsync(RawPeer.Guard);
        await _app.DisposeAsync();
        Log.ShouldHaveNoTroubleInTheServer();
    }
}
