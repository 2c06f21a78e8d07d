using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Cli.Options;

namespace Sluice.Cli.Hosting;

/// <summary>Kestrel as the verbs use it: listening where the command line says, logging to stderr, draining on a signal.</summary>
internal static class ServerHost
{
    public static WebApplicationBuilder CreateBuilder(ListenSettings settings, Action<KestrelServerOptions> configure)
    {
        // The command line alone says how: an appsettings.json in whatever directory this is started in may be another program's, and
        // would open its endpoints, too; reading it would have that directory's whole tree watched for changes.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddRoutingCore();
        StandardErrorLog.AddTo(builder.Logging);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Logging.AddFilter("Sluice", settings.Verbose ? LogLevel.Debug : LogLevel.Information);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        // A start that fails is told in one line, by RunAsync.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.Drain);
        builder.Services.Configure<ConsoleLifetimeOptions>(console => console.SuppressStatusMessages = true);
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseKestrelHttpsConfiguration();
        if (settings.Epoll) builder.WebHost.UseEpollTransport();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            configure(kestrel);
            foreach (var url in settings.Urls) Listen(kestrel, url, settings);
        });
        return builder;
    }

    /// <summary>Runs until a signal, and tells on stderr where it listens.</summary>
    public static async Task<int> RunAsync(WebApplication app, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"sluice: can't listen: {e.Message} Stop what listens there, or choose another address with --listen.").ConfigureAwait(false);
            await app.DisposeAsync().ConfigureAwait(false);
            return ExitCode.Failure;
        }
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        foreach (var address in addresses) await Console.Error.WriteLineAsync($"listening on {Shown(address)}").ConfigureAwait(false);
        await app.WaitForShutdownAsync(cancellation).ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
        return ExitCode.Success;
    }

    private static string Shown(string address) => address.Replace("[::]", "*", StringComparison.Ordinal);

    private static void Listen(KestrelServerOptions kestrel, ListenUrl url, ListenSettings settings)
    {
        if (url.Address is { } address) kestrel.Listen(new IPEndPoint(address, url.Port), Configure);
        else if (url.Port == 0) kestrel.Listen(new IPEndPoint(IPAddress.Loopback, 0), Configure); // localhost can't take any free port
        else kestrel.ListenLocalhost(url.Port, Configure);

        void Configure(Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions options)
        {
            // In clear text there is no ALPN to choose HTTP/2 by.
            options.Protocols = url.Tls ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
            if (url.Tls) options.UseHttps(settings.Certificate!);
            options.UseDirectWebSockets().UseHalfClose();
        }
    }
}
