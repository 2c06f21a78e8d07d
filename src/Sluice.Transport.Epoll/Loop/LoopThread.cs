namespace Sluice.Transport.Epoll;

/// <summary>A thread that drives a loop, until the loop ends or goes on with another because a callback holds this one up.</summary>
internal sealed class LoopThread
{
    private readonly EventLoop _loop;
    private readonly EpollEvents _events = new();
    private readonly Turn _turn;
    private readonly ManualResetEventSlim _ended = new();
    private int _next; // the first event that has not been begun
    private Thread? _thread;

    public LoopThread(EventLoop loop)
    {
        _loop = loop;
        _turn = new Turn(this);
    }

    public void Start(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.UnsafeStart();
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>Whether it has ended: not when it is the caller, nor when a callback holds it up for long.</returns>
    public bool Join(TimeSpan timeout) => _thread != Thread.CurrentThread && _ended.Wait(timeout);

    /// <summary>Whether the loop is this thread's.</summary>
    public bool IsDriving => _loop.IsDrivenBy(this);

    /// <summary>Will go on where another, which has lost its turn, stands.</summary>
    public void TakeRest(LoopThread stuck) => _events.TakeRest(stuck._events, stuck._next);

    /// <summary>Frees the events: of a thread that never started, or has lost its turn and touches them no more.</summary>
    public void Release() => _events.Dispose();

    public bool TrySteal(long step) => _turn.TrySteal(step);

    public void HandOver(long step) => _loop.HandOver(this, step);

    private void Run()
    {
        _turn.Adopt();
        var mine = true;
        while (!_loop.IsStopping)
        {
            mine = Work();
            if (!mine) break;
            _loop.Wait(_events);
        }
        if (mine) _events.Dispose();
        _ended.Set();
    }

    /// <returns>Whether the loop is still this thread's.</returns>
    private bool Work()
    {
        _turn.Begin();
        var mine = true;
        for (_next = 0; mine && _next < _events.Count;)
        {
            var at = _next++;
            mine = _loop.Handle(_events.TokenAt(at), _events.FlagsAt(at), _turn);
        }
        _turn.End();
        return mine;
    }
}

/// <summary>A continuation that runs on the loop's thread.</summary>
internal interface ICallback
{
    void Run();
}
