using Microsoft.Extensions.Logging;

namespace Sluice.AspNetCore.Tests.Support;

/// <summary>Everything that a host logs, at every level.</summary>
internal sealed class CapturedLog : ILoggerProvider
{
    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];
    private TaskCompletionSource _change = New();

    public IReadOnlyList<Entry> Entries
    {
        get
        {
            lock (_gate) return [.. _entries];
        }
    }

    /// <summary>What Sluice logged, without the lines about connections that opened.</summary>
    public IEnumerable<Entry> OfSluice => Entries.Where(e => e.Category.StartsWith("Sluice", StringComparison.Ordinal) && e.Id.Name != "Opened");

    /// <summary>Waits until that many lines of that event of Sluice's were logged.</summary>
    public async Task<Entry[]> WaitForAsync(string name, int count = 1)
    {
        while (true)
        {
            Task change;
            lock (_gate)
            {
                Entry[] found = [.. _entries.Where(e => e.Id.Name == name && e.Category.StartsWith("Sluice", StringComparison.Ordinal))];
                if (found.Length >= count) return found;
                change = _change.Task;
            }
            await change.WaitAsync(RawPeer.Guard);
        }
    }

    /// <summary>Nothing that Sluice does may make the server complain.</summary>
    public void ShouldHaveNoTroubleInTheServer()
        => Entries.Where(e => e.Level >= LogLevel.Warning && e.Category.StartsWith("Microsoft", StringComparison.Ordinal)).ShouldBeEmpty();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Add(Entry entry)
    {
        TaskCompletionSource change;
        lock (_gate)
        {
            _entries.Add(entry);
            (change, _change) = (_change, New());
        }
        change.SetResult();
    }

    internal sealed record Entry(string Category, LogLevel Level, EventId Id, string Message, Exception? Error)
    {
        public override string ToString() => $"{Level} {Category}[{Id.Name}] {Message} {Error}";
    }

    private sealed class Logger(CapturedLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Add(new Entry(category, logLevel, eventId, formatter(state, exception), exception));
    }
}
