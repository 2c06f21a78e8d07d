using System.Net;
using System.Net.Http.Headers;
using Sluice.Compression;
using Sluice.Handshake;
using Sluice.Protocol;

namespace Sluice;

/// <summary>One attempt to open a WebSocket over HTTP/1.1 (RFC 6455 §4.1).</summary>
internal sealed class OpeningHandshake(Uri url, WebSocketClientOptions options, SocketsHttpHandler handler)
{
    private readonly ClientHandshake _handshake = new(options.Subprotocols, DeflateAgreement.CreateOffers(options.Compression));

    /// <summary>Dials, asks, and checks the answer.</summary>
    /// <exception cref="HandshakeException">It did not come to a WebSocket.</exception>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled.</exception>
    public async Task<WebSocketConnection> RunAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var timeout = new CancellationTokenSource(options.HandshakeTimeout, options.Connection.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            return await SendAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // However the attempt ended: its caller wanted it to.
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new DialFailure(url, handler).TimedOut(e, timeout.IsCancellationRequested ? options.HandshakeTimeout : null);
        }
        catch (HttpRequestException e)
        {
            throw new DialFailure(url, handler).Explain(e);
        }
    }

    private async Task<WebSocketConnection> SendAsync(CancellationToken cancellation)
    {
        var socket = new DialledSocket(once: handler.Credentials is null && DialFailure.FindProxy(url, handler) is null);
        using var request = CreateRequest();
        socket.Follow(request, handler);
        using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        HttpResponseMessage? response = null;
        try
        {
            response = await invoker.SendAsync(request, cancellation).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.SwitchingProtocols)
            {
                return await OpenAsync(response, cancellation).ConfigureAwait(false);
            }
            throw await Refusal.ReadAsync(url, response, options.MaxRefusalBody, cancellation).ConfigureAwait(false);
        }
        catch
        {
            response?.Dispose();
            socket.Close();
            throw;
        }
    }

    private HttpRequestMessage CreateRequest()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        foreach (var (name, value) in _handshake.GetHeaders()) request.Headers.TryAddWithoutValidation(name, value);
        if (options.Origin is not null) request.Headers.TryAddWithoutValidation("Origin", options.Origin);
        foreach (var (name, value) in options.Headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private async Task<WebSocketConnection> OpenAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var outcome = _handshake.Validate(new HandshakeResponse
        {
            Status = (int)response.StatusCode,
            Upgrade = Value(response, "Upgrade"),
            Connection = Value(response, "Connection"),
            Accept = Value(response, "Sec-WebSocket-Accept"),
            Subprotocol = Value(response, "Sec-WebSocket-Protocol"),
            Extensions = Value(response, "Sec-WebSocket-Extensions"),
        });
        if (!outcome.IsAccepted) throw Refusal.InvalidUpgrade(url, response, outcome.Failure.Message);
        if (!DeflateAgreement.TryAccept(outcome.Extensions, options.Compression, out var compression, out var error))
        {
            throw Refusal.InvalidUpgrade(url, response, error);
        }
        var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        if (!stream.CanWrite)
        {
            throw Refusal.InvalidUpgrade(url, response, "the response has a Content-Encoding, which the handler decodes");
        }
        return Start(response, stream, outcome.Subprotocol, compression);
    }

    private WebSocketConnection Start(HttpResponseMessage response, Stream stream, string? subprotocol, DeflateAgreement? compression)
    {
        var connection = new WebSocketConnection(
            new StreamTransport(stream), Role.Client, options.Connection, subprotocol, response.Dispose, compression);
        _ = connection.Released.ContinueWith(
            static (_, response) => ((HttpResponseMessage)response!).Dispose(),
            response,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return connection;
    }

    private static string? Value(HttpResponseMessage response, string name)
        => response.Headers.NonValidated.TryGetValues(name, out HeaderStringValues values) ? string.Join(", ", values) : null;
}
