namespace Sluice.Proxy;

/// <summary>
/// Ends a request to the backend when the client is gone, or when the backend keeps us waiting too long. The clock
/// runs only between <see cref="Arm"/> and <see cref="Disarm"/>: while it is the backend's turn.
/// </summary>
internal sealed class ResponseDeadline : IDisposable
{
    private readonly TimeSpan _timeout;
    private readonly CancellationToken _clientGone;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _registration;

    public ResponseDeadline(ProxyOptions options, CancellationToken clientGone)
    {
        _timeout = options.ResponseTimeout;
        _clientGone = clientGone;
        _source = new(Timeout.InfiniteTimeSpan, options.TimeProvider);
        _registration = clientGone.UnsafeRegister(static s => ((CancellationTokenSource)s!).Cancel(), _source);
        Arm();
    }

    public CancellationToken Token => _source.Token;

    public bool Expired => _source.IsCancellationRequested && !_clientGone.IsCancellationRequested;

    public void Arm() => _source.CancelAfter(_timeout);

    public void Disarm() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    public void Dispose()
    {
        _registration.Dispose();
        _source.Dispose();
    }
}
