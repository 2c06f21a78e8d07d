using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Compression;

namespace Sluice.Hostile.Support;

/// <summary>A server on Kestrel with an echo at <c>/ws</c>, its log, its counters and the memory that it takes.</summary>
internal sealed class Target : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Record _record;
    private readonly ConnectionMetrics _metrics;
    private readonly long _before;

    private Target(WebApplication app, Record record, ConnectionMetrics metrics)
    {
        _app = app;
        _record = record;
        _metrics = metrics;
        int[] ports = [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a).Port)];
        Port = ports[0];
        Http2Port = ports[1];
        _before = GC.GetTotalMemory(forceFullCollection: true);
    }

    public int Port { get; }

    /// <summary>HTTP/2 in clear text, with the windows of <c>sluice serve</c>.</summary>
    public int Http2Port { get; }

    public static async Task<Target> StartAsync(
        ConnectionOptions? connection = null, ConnectionLimits? limits = null, Action<KestrelServerLimits>? kestrel = null,
        Action<WebApplication, WebSocketEndpointOptions>? map = null, string? kestrelLog = null,
        bool direct = true, CompressionOptions? compression = null)
    {
        var record = new Record();
        var metrics = new ConnectionMetrics();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Logging.AddFilter("Sluice", LogLevel.Debug);
        if (kestrelLog is not null) builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel." + kestrelLog, LogLevel.Debug);
        builder.Logging.AddProvider(record);
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Limits.Http2.InitialStreamWindowSize = 128 * 1024;
            options.Limits.Http2.KeepStreamsApart();
            kestrel?.Invoke(options.Limits);
            options.Listen(new IPEndPoint(IPAddress.Loopback, 0), listen =>
            {
                if (direct) listen.UseDirectWebSockets(); // as `sluice serve` does
            });
            options.Listen(new IPEndPoint(IPAddress.Loopback, 0), static listen => listen.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        var endpoint = new WebSocketEndpointOptions
        {
            Connection = (connection ?? new ConnectionOptions()) with { Metrics = metrics },
            Limits = limits ?? ConnectionLimits.Default,
            Compression = compression,
        };
        app.MapWebSocket("/ws", new Echo(), endpoint);
        map?.Invoke(app, endpoint);
        await app.StartAsync();
        var target = new Target(app, record, metrics);
        await target.ShouldServeAsync(); // what is made once is not the attack's
        return target;
    }

    /// <summary>Somebody with honest intentions is served.</summary>
    public async Task ShouldServeAsync()
    {
        using var client = await Attacker.OpenAsync(Port);
        await client.SendAsync(Frames.Of(0x81, "hello"u8.ToArray()));
        (await client.ReadFrameAsync()).Payload.ShouldBe("hello"u8.ToArray());
        await client.SendAsync(Frames.Close(1000));
        (await client.ReadCloseAsync()).ShouldBe(1000);
    }

    /// <summary>Managed memory held now, beyond what was held before the attack.</summary>
    public long Held => GC.GetTotalMemory(forceFullCollection: true) - _before;

    /// <summary>Waits until so many lines with these words were logged.</summary>
    public Task LogsAsync(string words, int count = 1)
        => _record.UntilAsync(r => r.Lines.Count(line => line.Contains(words, StringComparison.Ordinal)) >= count, $"\"{words}\" in the log");

    /// <summary>Moves the clock on, half a minute at a time, until so many lines with these words were logged. Somebody is served
    /// in between: who has come only just before has been registered with the clock by then.</summary>
    public async Task LogsInTimeAsync(ManualTimeProvider time, string words, int count)
    {
        var logged = LogsAsync(words, count);
        for (var i = 0; i < 100 && !logged.IsCompleted; i++)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            await ShouldServeAsync();
        }
        await logged;
    }

    /// <summary>Waits until a counter, with that tag, has come to a number.</summary>
    public Task CountsAsync(string instrument, string tag, long count = 1)
        => _record.UntilAsync(r => r.Counts.GetValueOrDefault($"{instrument} {tag}") >= count, $"{instrument} {tag} = {count}");

    public void ShouldNotLog(string words) => _record.Lines.ShouldNotContain(line => line.Contains(words, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await ShouldServeAsync();
        await _app.StopAsync().WaitAsync(Attacker.Guard);
        await _app.DisposeAsync();
        _metrics.Dispose();
        _record.Dispose();
    }

    private sealed class Echo : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(type, payload);
    }
}
