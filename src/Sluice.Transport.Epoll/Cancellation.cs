namespace Sluice.Transport.Epoll;

/// <summary>The token of a wait, and its registration. Made with the first token that can be cancelled, as most callers have none.
/// Guarded by its owner's lock.</summary>
internal sealed class Cancellation
{
    private CancellationTokenRegistration _registration;

    public CancellationToken Token { get; private set; }

    public void Register(Action<object?> callback, object owner, CancellationToken token)
    {
        Token = token;
        _registration = token.UnsafeRegister(callback, owner);
    }

    /// <summary>Forgets the token.</summary>
    /// <returns>The registration, to be disposed of without the lock: that waits for a callback under way.</returns>
    public CancellationTokenRegistration Take()
    {
        var registration = _registration;
        _registration = default;
        Token = default;
        return registration;
    }
}
