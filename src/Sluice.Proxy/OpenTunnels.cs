using Microsoft.Extensions.Logging;

namespace Sluice.Proxy;

/// <summary>
/// The tunnels of a proxy, for the day that the host stops: none is opened any more, those open get
/// <see cref="ProxyOptions.DrainTimeout"/> to end by themselves, then they are cut. A tunnel is blind to frames, so
/// it cannot be given a close frame.
/// </summary>
internal sealed class OpenTunnels
{
    private readonly HashSet<Tunnel> _open = [];
    private readonly Lock _lock = new();
    private readonly ProxyOptions _options;
    private readonly ILogger _logger;
    private readonly CancellationToken _stopping;
    private ITimer? _drain;

    public OpenTunnels(ProxyOptions options, ILogger logger, CancellationToken stopping)
    {
        _options = options;
        _logger = logger;
        _stopping = stopping;
        stopping.Register(Drain);
    }

    public bool Draining => _stopping.IsCancellationRequested;

    /// <summary>Runs the tunnel to its end.</summary>
    public async Task RunAsync(Tunnel tunnel)
    {
        lock (_lock) _open.Add(tunnel);
        try
        {
            if (Draining) tunnel.Cut(TunnelEnd.Shutdown); // its handshake was under way when the host began to stop
            await tunnel.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            lock (_lock)
            {
                _open.Remove(tunnel);
                if (Draining && _open.Count == 0) _drain?.Dispose();
            }
        }
    }

    private void Drain()
    {
        lock (_lock)
        {
            if (_open.Count == 0) return;
            Log.Draining(_logger, _open.Count, _options.DrainTimeout);
            _drain = _options.TimeProvider.CreateTimer(static s => ((OpenTunnels)s!).CutAll(), this, _options.DrainTimeout, Timeout.InfiniteTimeSpan);
        }
    }

    private void CutAll()
    {
        Tunnel[] left;
        lock (_lock) left = [.. _open];
        foreach (var tunnel in left) tunnel.Cut(TunnelEnd.Shutdown);
        if (left.Length > 0) Log.Cut(_logger, left.Length);
    }
}
