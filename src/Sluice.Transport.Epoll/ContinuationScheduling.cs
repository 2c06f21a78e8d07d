namespace Sluice.Transport.Epoll;

/// <summary>Where the code that waits for a connection goes on when the wait is over.</summary>
public enum ContinuationScheduling
{
    /// <summary>On the event loop's own thread, as long as nothing that runs there blocks. A callback that does is noticed after
    /// 5 to 10 milliseconds: the loop goes on with another thread, and all connections are <see cref="Dispatched"/> for a second;
    /// if it happens again, for twice as long each time, up to two minutes. The default.</summary>
    Adaptive,

    /// <summary>On the thread pool. Code that blocks holds up nobody else; each wait costs a hop between threads.</summary>
    Dispatched,

    /// <summary>On the event loop's own thread, always. For code that does not block: while it runs, the other connections of the
    /// loop wait, until after 5 to 10 milliseconds the loop goes on with another thread.</summary>
    Inline,
}
