using System.IO.Pipelines;

namespace Sluice.AspNetCore.Direct;

/// <summary>
/// Connections that have sent nothing yet. Each gets the same time, so they are due in the order they came, and one timer
/// serves them all. Thread-safe.
/// </summary>
internal sealed class FirstBytes : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(0.5);

    private readonly Lock _gate = new();
    private readonly LinkedList<Entry> _waiting = [];
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private bool _ticking;
    private bool _stopping;

    public FirstBytes(TimeSpan limit, TimeProvider time)
    {
        _limit = limit;
        _time = time;
        _timer = time.CreateTimer(static all => ((FirstBytes)all!).EndDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How long each may send nothing.</summary>
    public TimeSpan Limit => _limit;

    /// <summary>Whether a wait that was cancelled was the server's end, and not the connection's fault.</summary>
    public bool IsStopping
    {
        get
        {
            lock (_gate) return _stopping;
        }
    }

    /// <summary>Waits for a connection's first bytes, or its end; then they can be read at once, unless none came in time or the
    /// server stops.</summary>
    public Task WaitAsync(PipeReader reader)
    {
        var read = reader.ReadAsync(CancellationToken.None);
        if (!read.IsCompletedSuccessfully) return WaitAsync(read, reader);
        reader.AdvanceTo(read.Result.Buffer.Start);
        return Task.CompletedTask;
    }

    private async Task WaitAsync(ValueTask<ReadResult> read, PipeReader reader)
    {
        var node = Enter(reader);
        try
        {
            var result = await read.ConfigureAwait(false);
            reader.AdvanceTo(result.Buffer.Start);
        }
        finally
        {
            Leave(node);
        }
    }

    /// <summary>Waits for no one any more.</summary>
    public void Stop()
    {
        lock (_gate) _stopping = true;
        EndDue();
    }

    public void Dispose() => _timer.Dispose();

    private LinkedListNode<Entry> Enter(PipeReader reader)
    {
        LinkedListNode<Entry> node;
        lock (_gate)
        {
            var due = _limit == Timeout.InfiniteTimeSpan || _limit == TimeSpan.MaxValue ? long.MaxValue : Ticks() + _limit.Ticks;
            node = _waiting.AddLast(new Entry(reader, due));
            if (!_ticking) SetTicking(true);
            if (!_stopping) return node;
        }
        reader.CancelPendingRead();
        return node;
    }

    private void Leave(LinkedListNode<Entry> node)
    {
        lock (_gate)
        {
            if (node.List is not null) _waiting.Remove(node); // the timer stops when it finds nobody: most leave soon
        }
    }

    private void EndDue()
    {
        List<PipeReader>? due = null;
        lock (_gate)
        {
            var now = Ticks();
            while (_waiting.First is { } first && (_stopping || first.Value.Due <= now))
            {
                _waiting.RemoveFirst();
                (due ??= []).Add(first.Value.Reader);
            }
            if (_ticking && _waiting.Count == 0) SetTicking(false);
        }
        if (due is null) return;
        foreach (var reader in due) reader.CancelPendingRead();
    }

    private void SetTicking(bool ticking)
    {
        _ticking = ticking;
        var period = ticking ? Tick : Timeout.InfiniteTimeSpan;
        _timer.Change(period, period);
    }

    private long Ticks() => _time.GetElapsedTime(0).Ticks;

    private readonly record struct Entry(PipeReader Reader, long Due);
}
