using System.Security.Authentication;

namespace Sluice;

/// <summary>Why a client connects again, and when: either connecting failed, or a connection ended. Immutable.</summary>
public sealed record Reconnection
{
    /// <summary>Why connecting failed; <see langword="null"/> after a connection.</summary>
    public HandshakeException? Failure { get; init; }

    /// <summary>How the connection ended; <see langword="null"/> when there was none.</summary>
    public CloseResult? Result { get; init; }

    /// <summary>Which attempt in a row will be next, from 1.</summary>
    public int Attempt { get; init; }

    /// <summary>The wait before it. Zero while <see cref="ReconnectOptions.ShouldReconnect"/> decides.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>
    /// Whether another attempt may do better. Of closures: 1001, 1006, 1011, 1012, 1013 and 1014; not those that say that both are
    /// done (1000, 1005), that the client did wrong (1002, 1003, 1007 to 1010), or that only the application understands (3000 and
    /// above). Of failures: the network, time-outs, and the statuses 408, 425, 429 and 5xx but 501 and 505; not other refusals,
    /// certificates, and answers that are no WebSocket.
    /// </summary>
    public bool IsTransient => Failure is { } failure ? MayPass(failure) : Result is { } result && result.Is(
        CloseCode.GoingAway, CloseCode.AbnormalClosure, CloseCode.InternalError, CloseCode.ServiceRestart, CloseCode.TryAgainLater, CloseCode.BadGateway);

    private static bool MayPass(HandshakeException failure) => failure.Failure switch
    {
        ConnectFailure.NameNotResolved or ConnectFailure.ConnectionRefused or ConnectFailure.Unreachable
            or ConnectFailure.Timeout or ConnectFailure.ConnectionLost => true,
        ConnectFailure.Refused => failure.Status is 408 or 425 or 429 or (>= 500 and < 600 and not 501 and not 505),
        ConnectFailure.Tls => !Contains<AuthenticationException>(failure), // the network broke meanwhile
        ConnectFailure.Proxy => Contains<System.Net.Sockets.SocketException>(failure), // not there, rather than unwilling
        _ => false,
    };

    private static bool Contains<T>(Exception? error) where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T) return true;
        }
        return false;
    }
}
