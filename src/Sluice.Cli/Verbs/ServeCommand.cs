using System.CommandLine;
using System.Net;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Cli.Hosting;
using Sluice.Cli.Options;
using Sluice.Cli.Serve;
using Sluice.Compression;
using Sluice.Handshake;

namespace Sluice.Cli.Verbs;

/// <summary><c>sluice serve</c>: a server with an echo, a push, rooms, and a page to try them by hand.</summary>
internal static class ServeCommand
{
    private const string Description = "Start a WebSocket server with a page to try it by hand.";

    private const string Details = """
        Endpoints: / (the page), /echo, /push?every=3s&message=…, /rooms/{room}?self=true, /healthz, /metrics.

        Examples:
          sluice serve
          sluice serve --listen http://0.0.0.0:80 --origin https://example.com
          sluice serve --listen https://localhost:8443 --tls --log-messages

        Exit codes: 0 stopped by Ctrl+C or SIGTERM, 1 could not listen, 2 wrong usage.
        """;


    // As much as may wait unread of a socket over HTTP/1.1.
    private const int Http2StreamWindow = 128 * 1024;

    public static Command Create()
    {
        var listen = new ListenOptions("An address to listen on; may be given several times. [default: http://127.0.0.1:8080]", new ListenUrl(false, IPAddress.Loopback, 8080));
        var origins = new Option<string[]>("--origin") { Description = "An origin whose pages may connect, as https://example.com; * for all. [default: the same origin]", HelpName = "origin" };
        var subprotocols = new Option<string[]>("--subprotocol") { Description = "A subprotocol to agree to, in order of preference.", HelpName = "name" };
        var maxMessage = ByteSize.Option("--max-message", "The largest message to receive.", 1 << 20, 1, 1 << 30);
        var handshakeTimeout = Duration.Option("--handshake-timeout", "How long a client may take for its request.", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        var idleTimeout = Duration.Option("--idle-timeout", "Close a connection without messages for that long.", Timeout.InfiniteTimeSpan, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(7), mayBeOff: true);
        var ping = Duration.Option("--ping", "How often to ping; a peer that answers none of two is closed.", TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1), mayBeOff: true);
        var compress = new Option<bool>("--compress") { Description = "Agree to permessage-deflate when a client offers it. Costs time and memory, and tells secrets by their length: see docs/options.md." };
        var maxConnections = Number.Option("--max-connections", "The most WebSockets open at once; one more is refused with 503.", ConnectionLimits.Default.MaxConnections);
        var maxPerAddress = Number.Option("--max-connections-per-address", "The most from one address, or one IPv6 network of 64 bits; one more is refused with 429.", ConnectionLimits.Default.MaxConnectionsPerAddress);
        var logMessages = new Option<bool>("--log-messages") { Description = "Log a line for each message." };

        var command = new VerbCommand("serve", Description, Details);
        listen.AddTo(command);
        foreach (var option in new Option[] { origins, subprotocols, maxMessage, handshakeTimeout, idleTimeout, ping, compress, maxConnections, maxPerAddress, logMessages }) command.Add(option);
        command.SetAction((result, cancellation) => Verb.RunAsync(result, () =>
        {
            var settings = listen.Read(result);
            var options = new WebSocketEndpointOptions
            {
                Origins = ReadOrigins(result.GetValue(origins) ?? []),
                Subprotocols = result.GetValue(subprotocols) ?? [],
                Compression = result.GetValue(compress) ? CompressionOptions.Default : null,
                Limits = new ConnectionLimits
                {
                    MaxConnections = maxConnections.Read(result),
                    MaxConnectionsPerAddress = maxPerAddress.Read(result),
                },
                Connection = new ConnectionOptions
                {
                    MaxMessageSize = maxMessage.Read(result),
                    IdleTimeout = idleTimeout.Read(result),
                    KeepAliveInterval = ping.Read(result),
                    // A peer that does not answer the close frame must not outlast the drain.
                    CloseTimeout = settings.Drain < TimeSpan.FromSeconds(10) ? settings.Drain / 2 : TimeSpan.FromSeconds(5),
                    // What is served here never blocks; stderr may.
                    RunInline = !result.GetValue(logMessages),
                },
            };
            return RunAsync(settings, options, handshakeTimeout.Read(result), result.GetValue(logMessages), cancellation);
        }));
        return command;
    }

    private static OriginPolicy ReadOrigins(string[] origins) => origins switch
    {
        [] => OriginPolicy.SameOrigin,
        ["*"] => OriginPolicy.Any,
        _ => OriginPolicy.Allow(origins),
    };

    private static async Task<int> RunAsync(
        ListenSettings settings, WebSocketEndpointOptions options, TimeSpan handshakeTimeout, bool logMessages, CancellationToken cancellation)
    {
        using var metrics = new PrometheusText();
        var builder = ServerHost.CreateBuilder(settings, kestrel =>
        {
            // The first is for a request that has begun, the second for a connection that has sent nothing yet.
            kestrel.Limits.RequestHeadersTimeout = handshakeTimeout;
            kestrel.Limits.KeepAliveTimeout = handshakeTimeout;
            kestrel.Limits.Http2.InitialStreamWindowSize = Http2StreamWindow;
            kestrel.Limits.Http2.KeepStreamsApart();
        });
        builder.Services.AddHostedService(services => new MemoryTrim(
            options.Connection.Metrics, options.Connection.TimeProvider, services.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.Memory")));
        var app = builder.Build();
        var messages = logMessages ? app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.Messages") : null;
        new Endpoints(app, options, messages, metrics).Map();
        return await ServerHost.RunAsync(app, cancellation).ConfigureAwait(false);
    }
}
