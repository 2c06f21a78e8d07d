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
    private int _places;
    private bool _isOver;

    public OpenTunnels(ProxyOptions options, ILogger logger, CancellationToken stopping)
    {
        _options = options;
        _logger = logger;
        _stopping = stopping;
        stopping.Register(Drain);
    }

    public bool Draining => _stopping.IsCancellationRequested;

    /// <summary>Takes a place for a tunnel before its client is told that there is one: from then on the drain waits for it.</summary>
    /// <returns>Whether there is one: not any more when the host stops.</returns>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (Draining) return false;
            _places++;
            return true;
        }
    }

    /// <summary>Gives the place back.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            if (--_places == 0 && Draining) _drain?.Dispose();
        }
    }

    /// <summary>Runs the tunnel, which has a place, to its end.</summary>
    public async Task RunAsync(Tunnel tunnel)
    {
        bool isLate;
        lock (_lock)
        {
            _open.Add(tunnel);
            isLate = _isOver;
        }
        try
        {
            if (isLate) tunnel.Cut(TunnelEnd.Shutdown);
            await tunnel.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            lock (_lock) _open.Remove(tunnel);
        }
    }

    private void Drain()
    {
        lock (_lock)
        {
            if (_places == 0) return;
            Log.Draining(_logger, _places, _options.DrainTimeout);
            _drain = _options.TimeProvider.CreateTimer(static s => ((OpenTunnels)s!).CutAll(), this, _options.DrainTimeout, Timeout.InfiniteTimeSpan);
        }
    }

    private void CutAll()
    {
        Tunnel[] left;
        int places;
        lock (_lock)
        {
            _isOver = true;
            left = [.. _open];
            places = _places;
        }
        foreach (var tunnel in left) tunnel.Cut(TunnelEnd.Shutdown);
        if (places > 0) Log.Cut(_logger, places);
    }
}
