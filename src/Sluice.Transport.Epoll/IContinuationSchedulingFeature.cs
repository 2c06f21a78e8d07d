namespace Sluice.Transport.Epoll;

/// <summary>
/// Lets the owner of a connection choose where its continuations run, whatever the transport's options say. Found in the
/// features of a connection of this transport. Thread-safe.
/// </summary>
public interface IContinuationSchedulingFeature
{
    /// <summary>Where reads and flushes of this connection that had to wait go on. Holds from the next one that ends.</summary>
    ContinuationScheduling Scheduling { get; set; }
}
