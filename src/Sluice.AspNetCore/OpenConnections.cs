using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sluice.AspNetCore;

/// <summary>The connections that a host has open, so that its shutdown can close them (RFC 6455 §7.4.1, code 1001).</summary>
internal sealed class OpenConnections
{
    /// <summary>The close reason that a shutdown gives.</summary>
    public const string StopReason = "the server is shutting down";

    private static readonly ConditionalWeakTable<IServiceProvider, OpenConnections> Hosts = [];

    private readonly ConcurrentDictionary<WebSocketConnection, Task> _connections = [];
    private readonly ILogger _logger;
    private readonly CancellationToken _stop;

    private OpenConnections(IServiceProvider services)
    {
        _logger = services.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.AspNetCore");
        _stop = services.GetService<IHostApplicationLifetime>()?.ApplicationStopping ?? CancellationToken.None;
        _stop.UnsafeRegister(static open => ((OpenConnections)open!).Drain(), this);
    }

    /// <summary>How many there are, for the limits.</summary>
    public ConnectionCount Count { get; } = new();

    /// <summary>Whether the host is shutting down. True a little before <see cref="Drain"/> closes the connections: a handler may
    /// watch the same token, and be told first.</summary>
    public bool IsStopping => _stop.IsCancellationRequested;

    public static OpenConnections Of(IServiceProvider services) => Hosts.GetValue(services, static s => new OpenConnections(s));

    /// <summary>Takes a connection in. The task is done when it counts no more.</summary>
    public void Add(WebSocketConnection connection, Task left)
    {
        _connections.TryAdd(connection, left);
        if (IsStopping) GoAway(connection);
    }

    /// <summary>Forgets a connection, and waits until its place is free.</summary>
    public Task RemoveAsync(WebSocketConnection connection)
        => _connections.TryRemove(connection, out var left) ? left : Task.CompletedTask;

    private void Drain()
    {
        if (_connections.IsEmpty) return;
        Log.Draining(_logger, _connections.Count);
        foreach (var (connection, _) in _connections) GoAway(connection);
    }

    // The task is done when the peer has answered, and never faults; the endpoint waits for its end anyway.
    private static void GoAway(WebSocketConnection connection)
        => _ = connection.CloseAsync(CloseCode.GoingAway, StopReason);
}
