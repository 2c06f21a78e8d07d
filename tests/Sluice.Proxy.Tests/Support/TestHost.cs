using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sluice.Proxy.Tests.Support;

/// <summary>A real Kestrel on a free port of 127.0.0.1: the proxy under test, or a backend.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestHost(WebApplication app, LogRecord log)
    {
        _app = app;
        Log = log;
        Metrics = new(app.Services);
    }

    public LogRecord Log { get; }

    public MetricRecord Metrics { get; }

    public string Url => _app.Urls.First();

    public int Port => new Uri(Url).Port;

    public IHostApplicationLifetime Lifetime => _app.Lifetime;

    public static async Task<TestHost> StartAsync(Action<WebApplication> map, Action<KestrelServerOptions>? kestrel = null, Action<ListenOptions>? listen = null)
    {
        var builder = WebApplication.CreateBuilder();
        var log = new LogRecord();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Debug);
#if EPOLL
        builder.WebHost.UseEpollTransport();
#endif
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = 1024; // what the proxy must lift; a backend lifts it too
            kestrel?.Invoke(options);
            options.Listen(IPAddress.Loopback, 0, listen ?? (_ => { }));
        });
        var app = builder.Build();
        map(app);
        var host = new TestHost(app, log);
        await app.StartAsync();
        return host;
    }

    public static Task<TestHost> ProxyAsync(string backend, ProxyOptions? options = null, Action<KestrelServerOptions>? kestrel = null, Action<ListenOptions>? listen = null) =>
        StartAsync(app => app.MapProxy("/{**path}", backend, options), kestrel, listen);

    public Task<Wire> ConnectAsync() => Wire.ConnectAsync(Port);

    /// <summary>Sends the request, with a Host, over a connection that the server then closes, and returns all that came.</summary>
    public async Task<(Head Head, string Body)> AskAsync(string startLine, string fields = "", string body = "")
    {
        using var wire = await ConnectAsync();
        await wire.SendAsync($"{startLine}\r\nHost: front.test\r\nConnection: close\r\n{fields}\r\n{body}");
        return (await wire.ReadHeadAsync(), await wire.ReadToEndAsync());
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Metrics.Dispose();
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }
}
