using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Sluice.Proxy.Tests.Support;

/// <summary>What was logged, to wait for and to count.</summary>
internal sealed class LogRecord : ILoggerProvider
{
    private readonly Lock _lock = new();
    private readonly List<Line> _lines = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public sealed record Line(string Category, LogLevel Level, int Id, string Text);

    public IReadOnlyList<Line> Ours
    {
        get
        {
            lock (_lock) return [.. _lines.Where(l => l.Category == "Sluice.Proxy")];
        }
    }

    public IReadOnlyList<Line> All
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    /// <summary>The first line of the proxy with this id, when it comes.</summary>
    public async Task<Line> WaitAsync(int id)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_lines.Find(l => l.Category == "Sluice.Proxy" && l.Id == id) is { } line) return line;
                changed = _changed.Task;
            }

            await changed.Guarded();
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private void Add(Line line)
    {
        lock (_lock)
        {
            _lines.Add(line);
            _changed.SetResult();
            _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private sealed class Logger(LogRecord record, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            record.Add(new(category, logLevel, eventId.Id, formatter(state, exception)));
    }
}
