namespace Sluice.AspNetCore;

/// <summary>
/// A connection on which the client may end its sending side and still be answered. A feature of connections whose listener
/// uses <see cref="HalfClose.UseHalfClose"/>; for those who take the transport over from HTTP, as <see cref="Upgrader"/> does.
/// </summary>
public interface IHalfCloseFeature
{
    /// <summary>From now on the end of the client's side is seen by reading alone: the request is not aborted for it.</summary>
    /// <returns>To be disposed when the transport has been let go, once or more often. If the client's side has ended meanwhile,
    /// the request is aborted then, so that whoever waits for that goes on; what was written still leaves.</returns>
    IDisposable KeepOpen();
}
