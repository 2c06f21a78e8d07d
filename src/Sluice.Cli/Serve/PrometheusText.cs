using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Sluice.Cli.Serve;

/// <summary>Gathers the instruments of the meters named <c>Sluice…</c> and writes them in Prometheus' text format. Thread-safe.</summary>
internal sealed class PrometheusText : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);

    public PrometheusText()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name.StartsWith(ConnectionMetrics.MeterName, StringComparison.Ordinal)) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    public string Write()
    {
        var text = new StringBuilder(2048);
        lock (_gate)
        {
            _listener.RecordObservableInstruments();
            foreach (var (name, family) in _families)
            {
                text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {family.Help}\n# TYPE {name} {(family.IsCounter ? "counter" : "gauge")}\n");
                foreach (var (labels, value) in family.Series) text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {value}\n");
            }
        }
        WriteProcess(text);
        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private static void WriteProcess(StringBuilder text)
    {
        using var process = Process.GetCurrentProcess();
        text.Append("# HELP process_resident_memory_bytes Resident memory of the process.\n# TYPE process_resident_memory_bytes gauge\n");
        text.Append(CultureInfo.InvariantCulture, $"process_resident_memory_bytes {process.WorkingSet64}\n");
        text.Append("# HELP process_cpu_seconds_total CPU time of the process.\n# TYPE process_cpu_seconds_total counter\n");
        text.Append(CultureInfo.InvariantCulture, $"process_cpu_seconds_total {process.TotalProcessorTime.TotalSeconds}\n");
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var isGauge = instrument.GetType().Name.Contains("UpDown", StringComparison.Ordinal);
        var name = instrument.Name.Replace('.', '_') + (isGauge ? "" : "_total");
        var labels = Labels(tags);
        lock (_gate)
        {
            if (!_families.TryGetValue(name, out var family))
            {
                _families[name] = family = new Family(instrument.Description ?? "", !isGauge);
            }
            family.Series[labels] = instrument.IsObservable ? value : family.Series.GetValueOrDefault(labels) + value;
        }
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";
        var text = new StringBuilder("{");
        foreach (var (key, value) in tags)
        {
            if (text.Length > 1) text.Append(',');
            var shown = string.Create(CultureInfo.InvariantCulture, $"{value}").Replace("\\", "\\\\", StringComparison.Ordinal)
                .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            text.Append(CultureInfo.InvariantCulture, $"{key}=\"{shown}\"");
        }
        return text.Append('}').ToString();
    }

    private sealed record Family(string Help, bool IsCounter)
    {
        public SortedDictionary<string, double> Series { get; } = new(StringComparer.Ordinal);
    }
}
