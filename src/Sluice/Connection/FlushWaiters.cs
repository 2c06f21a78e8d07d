using System.Threading.Tasks.Sources;

namespace Sluice;

/// <summary>The senders that wait for a flush. The objects are used again, so that waiting allocates nothing in
/// steady state. A mutable struct: keep it in a field, and hold the gate.</summary>
internal struct FlushWaiters
{
    // A burst of many waiting senders does not leave a connection with more than these.
    private const int MaxSpares = 16;

    private Waiter? _waiting;
    private Spares? _spares;

    /// <summary>Waits until the flush with this ticket has ended.</summary>
    /// <param name="ticket">Grows from flush to flush.</param>
    /// <param name="gate">The lock that guards this struct.</param>
    public ValueTask Add(long ticket, object gate)
    {
        _spares ??= new Spares(gate);
        var waiter = _spares.Take();
        waiter.Ticket = ticket;
        waiter.Next = _waiting;
        _waiting = waiter;
        return waiter.Task;
    }

    /// <summary>Takes out those with this ticket or a lower one, the longest waiting first.</summary>
    public Waiter? Take(long upTo) => TakeBetween(0, upTo);

    /// <summary>Takes out those with a higher ticket, the longest waiting first.</summary>
    public Waiter? TakeAbove(long ticket) => TakeBetween(ticket + 1, long.MaxValue);

    private Waiter? TakeBetween(long least, long most)
    {
        Waiter? taken = null;
        Waiter? kept = null;
        Waiter? keptLast = null;
        for (var waiter = _waiting; waiter is not null;)
        {
            var next = waiter.Next;
            waiter.Next = null;
            if (waiter.Ticket >= least && waiter.Ticket <= most)
            {
                waiter.Next = taken; // senders pushed the newest first: this turns the order round
                taken = waiter;
            }
            else
            {
                if (keptLast is null) kept = waiter;
                else keptLast.Next = waiter;
                keptLast = waiter;
            }
            waiter = next;
        }
        _waiting = kept;
        return taken;
    }

    /// <summary>Lets them go on. Called without the gate.</summary>
    public static void Complete(Waiter? waiter, Func<Exception>? error)
    {
        while (waiter is not null)
        {
            var next = waiter.Next; // once completed, it may be in use again at once
            waiter.Next = null;
            waiter.Complete(error?.Invoke());
            waiter = next;
        }
    }

    internal sealed class Spares(object gate)
    {
        private Waiter? _first;
        private int _count;

        public Waiter Take()
        {
            if (_first is not { } waiter) return new Waiter(this);
            _first = waiter.Next;
            _count--;
            return waiter;
        }

        public void Return(Waiter waiter)
        {
            lock (gate)
            {
                if (_count == MaxSpares) return;
                _count++;
                waiter.Next = _first;
                _first = waiter;
            }
        }
    }

    internal sealed class Waiter(Spares spares) : IValueTaskSource
    {
        // Not inline: what follows a send is the caller's code, which must not run inside the flush of another's.
        private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

        public long Ticket { get; set; }

        public Waiter? Next { get; set; }

        public ValueTask Task => new(this, _core.Version);

        public void Complete(Exception? error)
        {
            if (error is null) _core.SetResult(true);
            else _core.SetException(error);
        }

        void IValueTaskSource.GetResult(short token)
        {
            // A task that is awaited twice, or too early, must not take the object from whoever uses it now.
            if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending) throw new InvalidOperationException("the send is still under way");
            try
            {
                _core.GetResult(token);
            }
            finally
            {
                _core.Reset();
                spares.Return(this);
            }
        }

        ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

        void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
            => _core.OnCompleted(continuation, state, token, flags);
    }
}
