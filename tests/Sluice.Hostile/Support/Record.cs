using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Sluice.Hostile.Support;

/// <summary>What was logged and counted since, and who waits for it. Looked at with the gate held.</summary>
internal sealed class Record : ILoggerProvider, ILogger
{
    private readonly Lock _gate = new();
    private readonly MeterListener _listener = new();
    private readonly List<string> _lines = [];
    private readonly Dictionary<string, long> _counts = [];
    private TaskCompletionSource _change = New();

    public Record()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name is "Sluice" or "Microsoft.AspNetCore.Server.Kestrel") listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Add(instrument, 1, tags));
        _listener.Start();
    }

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>By the instrument's name, a space, and the tag's value.</summary>
    public IReadOnlyDictionary<string, long> Counts => _counts;

    public async Task UntilAsync(Func<Record, bool> isThere, string what)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                if (isThere(this)) return;
                change = _change.Task;
            }
            try
            {
                await change.WaitAsync(Attacker.Guard);
            }
            catch (TimeoutException e)
            {
                lock (_gate)
                {
                    var seen = _lines.TakeLast(20).Concat(_counts.Select(pair => $"{pair.Key} = {pair.Value}"));
                    throw new TimeoutException($"{what} did not come, but:\n" + string.Join('\n', seen), e);
                }
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => Change(() => _lines.Add($"{formatter(state, exception)} {exception?.Message}"));

    public void Dispose() => _listener.Dispose();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Add(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string[] keys = tags.IsEmpty ? [instrument.Name + " "] : [.. tags.ToArray().Select(tag => $"{instrument.Name} {tag.Value}")];
        Change(() =>
        {
            foreach (var key in keys) _counts[key] = _counts.GetValueOrDefault(key) + value;
        });
    }

    private void Change(Action change)
    {
        TaskCompletionSource before;
        lock (_gate)
        {
            change();
            (before, _change) = (_change, New());
        }
        before.SetResult();
    }
}
