using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Sluice.Transport.Epoll.Tests.Support;

/// <summary>An ordinary application on Kestrel, on a free port of the loopback, over one of the transports.</summary>
internal sealed class Server : IAsyncDisposable
{
    private Server(WebApplication app)
    {
        App = app;
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Port = new Uri(address).Port;
    }

    public WebApplication App { get; }

    public int Port { get; }

    public static async Task<Server> StartAsync(
        Kind kind, Action<WebApplication> map, Action<ListenOptions>? listen = null, Action<KestrelServerOptions>? kestrel = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        if (kind != Kind.Sockets) builder.WebHost.UseEpollTransport(o => o.Scheduling = kind.Scheduling());
        builder.WebHost.ConfigureKestrel(options =>
        {
            kestrel?.Invoke(options);
            options.Listen(new IPEndPoint(IPAddress.Loopback, 0), endpoint => listen?.Invoke(endpoint));
        });
        var app = builder.Build();
        app.UseWebSockets();
        map(app);
        await app.StartAsync();
        return new Server(app);
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync().Guarded();
        await App.DisposeAsync().Guarded();
    }

}
