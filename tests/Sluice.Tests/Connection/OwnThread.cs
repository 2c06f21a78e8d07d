using System.IO.Pipelines;

namespace Sluice.Tests.Connection;

/// <summary>One thread that calls everybody back, as an event loop's does. In steady state it allocates nothing.</summary>
internal sealed class OwnThread : PipeScheduler, IDisposable
{
    private readonly Queue<(Action<object?> Action, object? State)> _due = new();
    private readonly Thread _thread;
    private bool _ends;

    public OwnThread()
    {
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public int Id => _thread.ManagedThreadId;

    public override void Schedule(Action<object?> action, object? state)
    {
        lock (_due)
        {
            _due.Enqueue((action, state));
            Monitor.Pulse(_due);
        }
    }

    public void Dispose()
    {
        lock (_due)
        {
            _ends = true;
            Monitor.Pulse(_due);
        }
        _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            (Action<object?> Action, object? State) next;
            lock (_due)
            {
                while (_due.Count == 0)
                {
                    if (_ends) return;
                    Monitor.Wait(_due);
                }
                next = _due.Dequeue();
            }
            next.Action(next.State);
        }
    }
}
