using System.Net;
using System.Security.Authentication;

namespace Sluice;

/// <summary>What one call to connect does: requests one after the other, until there is a WebSocket or no more to try, within
/// the time for all of them.</summary>
internal sealed class ConnectAttempt(Uri url, WebSocketClientOptions options)
{
    // Whom the last request was for.
    private Uri _url = url;
    private SocketsHttpHandler? _handler;

    /// <exception cref="HandshakeException">It did not come to a WebSocket.</exception>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled.</exception>
    public async Task<WebSocketConnection> RunAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var timeout = new CancellationTokenSource(options.HandshakeTimeout, options.Connection.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await FollowAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // However the attempt ended: its caller wanted it to.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw Failure().TimedOut(e, timeout.IsCancellationRequested ? options.HandshakeTimeout : null);
        }
        catch (HttpRequestException e)
        {
            throw Failure().Explain(e);
        }
        catch (HttpIOException e)
        {
            // What breaks an HTTP/2 connection comes as it is.
            throw Failure().Explain(new HttpRequestException(e.HttpRequestError, e.Message, e));
        }
    }

    private DialFailure Failure() => new(_url, _handler!, options);

    private async Task<WebSocketConnection> FollowAsync(CancellationToken cancellation)
    {
        var current = options;
        for (var followed = 0; ; followed++)
        {
            try
            {
                return await NegotiateAsync(current, cancellation).ConfigureAwait(false);
            }
            catch (HandshakeException refusal) when (followed < options.MaxRedirects && Redirect.Is(refusal))
            {
                (_url, current) = Redirect.Follow(_url, current, refusal);
            }
        }
    }

    private async Task<WebSocketConnection> NegotiateAsync(WebSocketClientOptions current, CancellationToken cancellation)
    {
        var (first, last) = Versions(current);
        try
        {
            return await SendAsync(current, first, cancellation).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (first != last && IsNotOffered(e))
        {
            return await SendAsync(current, last, cancellation).ConfigureAwait(false);
        }
    }

    private Task<WebSocketConnection> SendAsync(WebSocketClientOptions current, Version version, CancellationToken cancellation)
    {
        _handler = ClientHandler.Get(current, version, out var isOwned);
        return new OpeningHandshake(_url, current, _handler, isOwned, version).RunAsync(cancellation);
    }

    // In clear text nothing tells which version a server speaks, short of asking it in the wrong one.
    private (Version First, Version Last) Versions(WebSocketClientOptions current) => current.HttpVersionPolicy switch
    {
        HttpVersionPolicy.RequestVersionOrLower when _url.Scheme == "ws" => (HttpVersion.Version11, HttpVersion.Version11),
        HttpVersionPolicy.RequestVersionOrLower => (current.HttpVersion, HttpVersion.Version11),
        HttpVersionPolicy.RequestVersionOrHigher when _url.Scheme == "wss" => (HttpVersion.Version20, current.HttpVersion),
        _ => (current.HttpVersion, current.HttpVersion),
    };

    // HTTP/2 without SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 §3), or none: TLS offers the one version that a request is for,
    // and a server that wants another ends it with an alert (RFC 7301 §3.2), or ignores the offer. A certificate that this
    // side rejects has no further cause; asking again would not change it.
    private static bool IsNotOffered(HttpRequestException error) => error.HttpRequestError switch
    {
        HttpRequestError.VersionNegotiationError or HttpRequestError.ExtendedConnectNotSupported => true,
        HttpRequestError.SecureConnectionError => error.InnerException is AuthenticationException { InnerException: not null },
        _ => false,
    };
}
