using System.Net;
using System.Net.Http.Headers;
using Sluice.Compression;
using Sluice.Handshake;
using Sluice.Protocol;

namespace Sluice;

/// <summary>One request that is to open a WebSocket: an upgrade over HTTP/1.1 (RFC 6455 §4.1), an extended CONNECT over
/// HTTP/2 (RFC 8441 §5).</summary>
/// <param name="url">Whom to ask.</param>
/// <param name="options">What to ask for.</param>
/// <param name="handler">What sends the request.</param>
/// <param name="ownsHandler">Whether the handler is for this request alone.</param>
/// <param name="version">The HTTP version, and no other.</param>
internal sealed class OpeningHandshake(
    Uri url, WebSocketClientOptions options, SocketsHttpHandler handler, bool ownsHandler, Version version)
{
    private static readonly TimeSpan ResetTime = TimeSpan.FromSeconds(1);

    private readonly ClientHandshake _handshake = new(options.Subprotocols, DeflateAgreement.CreateOffers(options.Compression));

    private bool IsUpgrade => version.Major < 2;

    /// <summary>Dials, asks, and checks the answer.</summary>
    /// <exception cref="HandshakeException">The answer opens no WebSocket.</exception>
    /// <exception cref="HttpRequestException">There was none.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<WebSocketConnection> RunAsync(CancellationToken cancellation)
    {
        using var request = CreateRequest();
        var proxy = DialFailure.FindProxy(url, handler);
        using var dial = new Dial(
            request,
            options,
            isOwner: ownsHandler || handler.PooledConnectionLifetime == TimeSpan.Zero,
            once: handler.Credentials is null && proxy is null);
        using var invoker = new HttpMessageInvoker(handler, disposeHandler: false);
        HttpResponseMessage? response = null;
        IDisposable? turn = null;
        try
        {
            if (options.OneHandshakePerHost) turn = await TakeTurnAsync(dial, proxy, cancellation).ConfigureAwait(false);
            response = await invoker.SendAsync(request, cancellation).ConfigureAwait(false);
            Refusal.CheckSize(url, response, options.MaxResponseFields);
            if (IsUpgrade ? response.StatusCode == HttpStatusCode.SwitchingProtocols : response.IsSuccessStatusCode)
            {
                return await OpenAsync(response, cancellation).ConfigureAwait(false);
            }
            throw await Refusal.ReadAsync(url, response, options, cancellation).ConfigureAwait(false);
        }
        catch
        {
            response?.Dispose();
            if (ownsHandler) handler.Dispose();
            dial.Close();
            throw;
        }
        finally
        {
            turn?.Dispose();
        }
    }

    // §4.1, step 2: hosts are told apart by their addresses, whatever their names; where this side does not look them up, because
    // a proxy does or the caller's handler, each name counts as a host of its own.
    private async Task<IDisposable> TakeTurnAsync(Dial dial, Uri? proxy, CancellationToken cancellation)
    {
        IEnumerable<RemoteHost> hosts = [RemoteHost.Of(url)];
        if (proxy is null && Dial.Serves(handler))
        {
            var addresses = await dial.ResolveAsync(url, cancellation).ConfigureAwait(false);
            hosts = addresses.Select(address => RemoteHost.Of(address, url.Port));
        }
        return await ConnectingHosts.Shared.EnterAsync(hosts, cancellation).ConfigureAwait(false);
    }

    private HttpRequestMessage CreateRequest()
    {
        var request = new HttpRequestMessage(IsUpgrade ? HttpMethod.Get : HttpMethod.Connect, url)
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (!IsUpgrade) request.Headers.Protocol = "websocket";
        var headers = IsUpgrade ? _handshake.GetHeaders() : _handshake.GetConnectHeaders();
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (options.Authorization is { } authorization) request.Headers.TryAddWithoutValidation("Authorization", authorization.Field);
        if (options.Origin is not null) request.Headers.TryAddWithoutValidation("Origin", options.Origin);
        foreach (var (name, value) in options.Headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private async Task<WebSocketConnection> OpenAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var answer = new HandshakeResponse
        {
            Status = (int)response.StatusCode,
            Upgrade = Value(response, "Upgrade"),
            Connection = Value(response, "Connection"),
            Accept = Value(response, "Sec-WebSocket-Accept"),
            Subprotocol = Value(response, "Sec-WebSocket-Protocol"),
            Extensions = Value(response, "Sec-WebSocket-Extensions"),
        };
        var outcome = IsUpgrade ? _handshake.Validate(answer) : _handshake.ValidateConnect(answer);
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
            new StreamTransport(stream), Role.Client, options.Connection, subprotocol, response.Dispose, compression)
        {
            HttpVersion = version,
        };
        _ = ReleaseAsync(connection, response);
        return connection;
    }

    private async Task ReleaseAsync(WebSocketConnection connection, HttpResponseMessage response)
    {
        var result = await connection.Released.ConfigureAwait(false);
        response.Dispose();
        if (!ownsHandler) return;
        // Disposed before its end, a response resets its stream (CANCEL). The handler writes that in its own time, and without
        // the handler the connection is closed at once.
        if (!result.WasClean) await Task.Delay(ResetTime).ConfigureAwait(false);
        handler.Dispose();
    }

    private static string? Value(HttpResponseMessage response, string name)
        => response.Headers.NonValidated.TryGetValues(name, out HeaderStringValues values) ? string.Join(", ", values) : null;
}
