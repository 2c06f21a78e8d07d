namespace Sluice.Transport.Epoll;

/// <summary>Where the code that waits for a connection goes on.</summary>
public enum ContinuationScheduling
{
    /// <summary>On the thread pool. Code that blocks holds up nobody else. The default.</summary>
    Dispatched,

    /// <summary>On the event loop's own thread, without a hop to another. For code that does not block: while it runs, the
    /// other connections of the loop wait, until after 5 to 10 milliseconds the loop goes on with another thread.</summary>
    Inline,
}
