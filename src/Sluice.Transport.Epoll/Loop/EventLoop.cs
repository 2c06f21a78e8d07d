namespace Sluice.Transport.Epoll;

/// <summary>
/// An epoll instance, and the thread that waits on it. Edge-triggered: a descriptor is added once for reading and writing
/// and never changed; each connection knows by itself whether the kernel has something for it.
/// </summary>
internal sealed unsafe class EventLoop : IDisposable
{
    private const ulong WakeToken = ulong.MaxValue;
    private const uint Watched = Libc.EpollIn | Libc.EpollOut | Libc.EpollReadHangUp | Libc.EpollEdge;

    private readonly TargetTable _targets = new();
    private readonly Lock _gate = new();
    private readonly string _name;
    private readonly int _epoll;
    private readonly int _wake;
    private LoopThread _thread;
    private volatile bool _stopping;

    public EventLoop(string name, int readBufferSize, InlineTrust trust)
    {
        _name = name;
        Trust = trust;
        Memory = new LoopMemory(readBufferSize);
        _epoll = Libc.EpollCreate(Libc.CloseOnExec);
        if (_epoll < 0) throw Errno.ToException(-_epoll);
        _wake = Libc.EventCreate(0, Libc.CloseOnExec | Libc.SocketNonBlocking);
        if (_wake < 0)
        {
            _ = Libc.Close(_epoll);
            throw Errno.ToException(-_wake);
        }
        EpollEvents.Add(_epoll, _wake, Libc.EpollIn, WakeToken);
        _thread = new LoopThread(this);
        _thread.Start(_name);
    }

    public LoopMemory Memory { get; }

    /// <summary>Whether continuations run on the loop's thread.</summary>
    public InlineTrust Trust { get; }

    public int Load => _targets.Count;

    public bool IsStopping => _stopping;

    /// <summary>Starts to watch a descriptor. Its events may come before this returns.</summary>
    public ulong Watch(int descriptor, IEventTarget target)
    {
        var token = _targets.Add(target);
        try
        {
            EpollEvents.Add(_epoll, descriptor, Watched, token);
        }
        catch
        {
            _targets.Remove(token);
            throw;
        }
        return token;
    }

    /// <summary>Forgets a target. Closing its descriptor, right behind this, takes it out of the kernel's set.</summary>
    public void Forget(ulong token) => _targets.Remove(token);

    public void Wait(EpollEvents events) => events.Wait(_epoll);

    /// <returns>Whether the turn is still the calling thread's.</returns>
    public bool Handle(ulong token, uint flags, Turn turn)
        => _targets.Find(token) is not { } target || target.OnEvent(flags, turn);

    /// <summary>A callback holds up the thread: another one goes on where it stands.</summary>
    /// <param name="stuck">The thread.</param>
    /// <param name="step">The callback, as its turn counts.</param>
    public void HandOver(LoopThread stuck, long step)
    {
        lock (_gate)
        {
            if (_stopping || _thread != stuck || !stuck.TrySteal(step)) return;
            Trust.Lose();
            var next = new LoopThread(this);
            try
            {
                next.TakeRest(stuck);
                next.Start(_name);
            }
            catch (Exception)
            {
                next.Release(); // no memory or no descriptor for a thread: the loop waits for its old one
                return;
            }
            _thread = next;
            stuck.Release();
        }
    }

    public bool IsDrivenBy(LoopThread thread)
    {
        lock (_gate) return _thread == thread;
    }

    public void Dispose()
    {
        LoopThread thread;
        lock (_gate)
        {
            if (_stopping) return;
            _stopping = true;
            thread = _thread;
        }
        var one = 1UL;
        _ = Libc.Write(_wake, &one, sizeof(ulong));
        var ended = thread.Join(TimeSpan.FromSeconds(5));
        foreach (var target in _targets.ToArray()) (target as IDisposable)?.Dispose();
        if (!ended) return; // it may still ask the kernel; the descriptors go with the process
        _ = Libc.Close(_wake);
        _ = Libc.Close(_epoll);
    }
}
