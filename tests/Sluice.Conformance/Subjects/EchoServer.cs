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
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Subjects;

/// <summary>The servers under test: one Kestrel with two ports for HTTP/1.1 and one for HTTP/2, shared by all cases.</summary>
public sealed class EchoServer : IAsyncLifetime
{
    private static readonly ConcurrentDictionary<string, Run> Runs = [];
    private static readonly ConnectionOptions Quiet = new() { KeepAliveInterval = Timeout.InfiniteTimeSpan };
    private static readonly WebSocketEndpointOptions Plain = new() { Connection = Quiet };
    private static int LastRun;
    private WebApplication? _app;

    /// <summary>The port for HTTP/1.1.</summary>
    public static int Port { get; private set; }

    /// <summary>The port for HTTP/1.1 at which handshakes are answered before HTTP begins, as <c>sluice serve</c> does.</summary>
    public static int DirectPort { get; private set; }

    /// <summary>Both ports for HTTP/1.1.</summary>
    public static int[] Ports => [Port, DirectPort];

    /// <summary>The port for HTTP/2 in clear text, with prior knowledge.</summary>
    public static int Http2Port { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Listen(kestrel, options => options.UseHalfClose());
            Listen(kestrel, options => options.UseDirectWebSockets().UseHalfClose());
            Listen(kestrel, options => options.Protocols = HttpProtocols.Http2);
        });
        _app = builder.Build();
        Map(_app);
        await _app.StartAsync();
        var addresses = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        int[] ports = [.. addresses.Select(address => new Uri(address).Port)];
        (Port, DirectPort, Http2Port) = (ports[0], ports[1], ports[2]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
    }

    /// <summary>A TCP connection to a port of this machine.</summary>
    internal static async Task<Peer> DialAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)).Guarded();
        return new Peer(socket, Side.Client);
    }

    /// <summary>A path at which the next connection gets these options, and is run by this code.</summary>
    internal static string Prepare(ConnectionOptions options, Func<WebSocketConnection, Task> run)
    {
        var id = Interlocked.Increment(ref LastRun).ToString(provider: null);
        Runs[id] = new Run(new WebSocketEndpointOptions { Connection = options }, run);
        return "/run/" + id;
    }

    private static void Listen(KestrelServerOptions kestrel, Action<ListenOptions> configure)
        => kestrel.Listen(new IPEndPoint(IPAddress.Loopback, 0), options =>
        {
            options.Protocols = HttpProtocols.Http1;
            configure(options);
        });

    private static void Map(WebApplication app)
    {
        app.MapWebSocket("/echo", Echo.Handler, Plain);
        app.MapWebSocket("/calls", Echo.ByCallsAsync, Plain);
        app.MapWebSocket("/streams", Echo.ByStreamsAsync, Plain);
        app.MapWebSocket("/chat", Echo.Handler, Plain with { Subprotocols = ["chat.v2", "chat.v1"] });
        app.MapGet("/plain", (RequestDelegate)(context => context.Response.WriteAsync("plain")));
        app.Map("/run/{id}", (RequestDelegate)RunAsync);
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
