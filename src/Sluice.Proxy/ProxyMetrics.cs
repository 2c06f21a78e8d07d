using System.Diagnostics.Metrics;
using System.Text.Json;

namespace Sluice.Proxy;

/// <summary>The meter "Sluice.Proxy". Tags hold only what we choose ourselves, never a client's words.</summary>
internal sealed class ProxyMetrics
{
    public const string MeterName = "Sluice.Proxy";

    private static readonly KeyValuePair<string, object?> ToBackendTag = new("direction", "to_backend");
    private static readonly KeyValuePair<string, object?> ToClientTag = new("direction", "to_client");

    private readonly Counter<long> _requests;
    private readonly Counter<long> _upgrades;
    private readonly UpDownCounter<long> _tunnels;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _failures;

    public ProxyMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(MeterName);
        _requests = meter.CreateCounter<long>("sluice.proxy.requests", "{request}", "Requests that came, upgrades included, by the status that the client got.");
        _upgrades = meter.CreateCounter<long>("sluice.proxy.upgrades", "{upgrade}", "WebSocket upgrades by outcome: accepted, refused (by the backend), failed.");
        _tunnels = meter.CreateUpDownCounter<long>("sluice.proxy.tunnels", "{tunnel}", "Tunnels open.");
        _bytes = meter.CreateCounter<long>("sluice.proxy.bytes", "By", "Bytes of bodies and tunnels, by direction.");
        _failures = meter.CreateCounter<long>("sluice.proxy.failures", "{failure}", "Requests and tunnels that failed, by reason.");
    }

    public void Request(int status) => _requests.Add(1, new KeyValuePair<string, object?>("status", status));

    public void Upgrade(string outcome) => _upgrades.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void TunnelOpened() => _tunnels.Add(1);

    public void TunnelClosed() => _tunnels.Add(-1);

    public void BytesToBackend(long count) => _bytes.Add(count, ToBackendTag);

    public void BytesToClient(long count) => _bytes.Add(count, ToClientTag);

    public void Failed(FailureReason reason) => Failed(reason.ToString());

    public void Failed(TunnelEnd end) => Failed("Tunnel" + end);

    private void Failed(string reason) =>
        _failures.Add(1, new KeyValuePair<string, object?>("reason", JsonNamingPolicy.SnakeCaseLower.ConvertName(reason)));
}
