using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Sluice.AspNetCore.Tests.Support;

/// <summary>What one counter of the meter counted, by the value of its tag, from now on.</summary>
internal sealed class Counted : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _counts = [];

    public Counted(string instrument)
    {
        _listener.InstrumentPublished = (found, listener) =>
        {
            if (found.Meter.Name == ConnectionMetrics.MeterName && found.Name == instrument) listener.EnableMeasurementEvents(found);
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
            _counts.AddOrUpdate(tags[0].Value!.ToString()!, value, (_, sum) => sum + value));
        _listener.Start();
    }

    public IReadOnlyDictionary<string, long> Counts => _counts;

    public void Dispose() => _listener.Dispose();
}
