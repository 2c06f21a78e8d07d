using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sluice.AspNetCore;
using Sluice.Compression;
using Sluice.Conformance.Wire;
using Sluice.Transport.Epoll;

namespace Sluice.Conformance.Subjects;

/// <summary>The servers under test, shared by all cases: one Kestrel with two ports for HTTP/1.1 and one for HTTP/2, and one on
/// the epoll transport.</summary>
public sealed class EchoServer : IAsyncLifetime
{
    private static readonly ConcurrentDictionary<string, Run> Runs = [];
    private static int LastRun;
    private readonly List<WebApplication> _apps = [];

    /// <summary>A field of every response but those that are sent before HTTP begins.</summary>
    internal const string SeenByHttp = "X-Seen-By-HTTP";

    /// <summary>The port for HTTP/1.1.</summary>
    public static int Port { get; private set; }

    /// <summary>The port for HTTP/1.1 at which handshakes are answered before HTTP begins, as <c>sluice serve</c> does.</summary>
    public static int DirectPort { get; private set; }

    /// <summary>As <see cref="DirectPort"/>, over the epoll transport.</summary>
    public static int EpollPort { get; private set; }

    /// <summary>All ports for HTTP/1.1.</summary>
    public static int[] Ports => [Port, DirectPort, EpollPort];

    /// <summary>The port for HTTP/2 in clear text, with prior knowledge.</summary>
    public static int Http2Port { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var ports = await StartAsync(static _ => { }, kestrel =>
        {
            Listen(kestrel, options => options.UseHalfClose());
            Listen(kestrel, options => options.UseDirectWebSockets().UseHalfClose());
            Listen(kestrel, options => options.Protocols = HttpProtocols.Http2);
        });
        (Port, DirectPort, Http2Port) = (ports[0], ports[1], ports[2]);
        ports = await StartAsync(
            static host => host.UseEpollTransport(),
            kestrel => Listen(kestrel, options => options.UseDirectWebSockets().UseHalfClose()));
        EpollPort = ports[0];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps) await app.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(2));
    }

    /// <summary>A TCP connection to a port of this machine.</summary>
    internal static async Task<Peer> DialAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)).Guarded();
        return new Peer(socket, Side.Client);
    }

    /// <summary>A path at which the next connection gets these options, and is run by this code.</summary>
    internal static string Prepare(ConnectionOptions? options, CompressionOptions? compression, Func<WebSocketConnection, Task> run)
    {
        var id = Interlocked.Increment(ref LastRun).ToString(provider: null);
        Runs[id] = new Run(new WebSocketEndpointOptions { Connection = options ?? Limits.Default.Options, Compression = compression }, run);
        return "/run/" + id;
    }

    private async Task<int[]> StartAsync(Action<IWebHostBuilder> host, Action<KestrelServerOptions> listen)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        host(builder.WebHost);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            listen(kestrel);
        });
        var app = builder.Build();
        _apps.Add(app);
        Map(app);
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        return [.. addresses.Select(address => new Uri(address).Port)];
    }

    private static void Listen(KestrelServerOptions kestrel, Action<ListenOptions> configure)
        => kestrel.Listen(new IPEndPoint(IPAddress.Loopback, 0), options =>
        {
            options.Protocols = HttpProtocols.Http1;
            configure(options);
        });

    private static void Map(WebApplication app)
    {
        app.Use((context, next) =>
        {
            context.Response.Headers[SeenByHttp] = "yes";
            return next(context);
        });
        foreach (var limits in Limits.All)
        {
            var plain = new WebSocketEndpointOptions { Connection = limits.Options };
            MapEchoes(app, limits.Path, plain);
            MapEchoes(app, "/deflate" + limits.Path, plain with { Compression = CompressionOptions.Default });
        }
        app.MapWebSocket("/chat", Echo.Handler, new() { Connection = Limits.Default.Options, Subprotocols = ["chat.v2", "chat.v1"] });
        app.MapGet("/plain", (RequestDelegate)(context => context.Response.WriteAsync("plain")));
        app.MapGet("/transport", (RequestDelegate)(context => context.Response.WriteAsync(
            context.Features.Get<IContinuationSchedulingFeature>() is null ? "Kestrel's" : "epoll")));
        app.Map("/run/{id}", (RequestDelegate)RunAsync);
    }

    private static void MapEchoes(WebApplication app, string path, WebSocketEndpointOptions options)
    {
        app.MapWebSocket(path + "/echo", Echo.Handler, options);
        app.MapWebSocket(path + "/calls", Echo.ByCallsAsync, options);
        app.MapWebSocket(path + "/streams", Echo.ByStreamsAsync, options);
    }

    private static async Task RunAsync(HttpContext context)
    {
        if (!Runs.TryRemove((string)context.Request.RouteValues["id"]!, out var run)) throw new InvalidOperationException("was run before");
        var connection = await new Upgrader(run.Options, NullLogger.Instance).UpgradeAsync(context);
        if (connection is null) return;
        try
        {
            await run.Code(connection);
        }
        catch (WebSocketClosedException)
        {
            // As with a mapped endpoint: an echo met the end of the connection.
        }
        await connection.Released;
    }

    private sealed record Run(WebSocketEndpointOptions Options, Func<WebSocketConnection, Task> Code);
}
