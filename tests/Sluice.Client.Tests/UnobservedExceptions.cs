using System.Collections.Concurrent;

[assembly: AssemblyFixture(typeof(Sluice.Client.Tests.UnobservedExceptions))]

namespace Sluice.Client.Tests;

/// <summary>Watches the whole run: an exception that a task kept to itself fails it.</summary>
public sealed class UnobservedExceptions : IDisposable
{
    private readonly ConcurrentQueue<Exception> _seen = new();

    public UnobservedExceptions() => TaskScheduler.UnobservedTaskException += OnUnobserved;

    /// <summary>What was seen up to now, after all garbage was collected.</summary>
    public IReadOnlyCollection<Exception> Collect()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return _seen;
    }

    public void Dispose()
    {
        Collect().ShouldBeEmpty("no task may keep an exception to itself");
        TaskScheduler.UnobservedTaskException -= OnUnobserved;
    }

    private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs args) => _seen.Enqueue(args.Exception);
}
