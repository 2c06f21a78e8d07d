using System.Net;
using System.Net.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace Sluice.Proxy;

/// <summary>The backend's response on its way to the client: status, fields, body as it comes, trailers.</summary>
internal sealed class ResponseForwarder(Exchange exchange, ProxyOptions options, ProxyMetrics metrics, ILogger logger)
{
    private readonly HttpContext _context = exchange.Context;

    /// <summary>Passes the whole response on.</summary>
    /// <param name="from">The backend's response; its body is read here.</param>
    /// <param name="close">Whether the client's connection ends with this response.</param>
    /// <exception cref="FailedException">The response cannot be passed on, and nothing of it was.</exception>
    public async Task ForwardAsync(HttpResponseMessage from, bool close)
    {
        var to = _context.Response;
        if (ResponseHead.Copy(from, to) is { } problem) throw new FailedException(Failure.Invalid(problem));
        if (close) EndConnection(from);
        if (!ResponseHead.MayHaveBody(_context.Request.Method, to.StatusCode)) return;

        _context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        try
        {
            var body = await from.Content.ReadAsStreamAsync(_context.RequestAborted).ConfigureAwait(false);
            if (await CopyBodyAsync(body).ConfigureAwait(false)) AppendTrailers(from);
        }
        catch (Exception e) when (e is HttpRequestException or IOException && !_context.RequestAborted.IsCancellationRequested)
        {
            var failure = Failure.From(e, expired: false);
            if (!to.HasStarted) throw new FailedException(failure, e);
            metrics.Failed(failure.Reason);
            Log.BrokeOff(logger, exchange.Method, exchange.Path, failure.Detail);
            _context.Abort();
        }
    }

    private void EndConnection(HttpResponseMessage from)
    {
        if (!HttpProtocol.IsHttp11(_context.Request.Protocol)) return; // HTTP/2 has no such fields
        var headers = _context.Response.Headers;
        headers.Connection = "close";
        if (from.StatusCode != HttpStatusCode.UpgradeRequired || !HeaderTokens.Contains(ResponseHead.Values(from.Headers, HeaderNames.Upgrade), "websocket")) return;
        headers.Connection = "close, Upgrade";
        headers.Upgrade = "websocket"; // a 426 must say to what (RFC 9110 §15.5.22)
    }

    // Bytes leave as they come, and so do the headers when the body keeps us waiting: server-sent events depend on it.
    // False when the client went away meanwhile.
    private async Task<bool> CopyBodyAsync(Stream body)
    {
        var to = _context.Response.BodyWriter;
        var gone = _context.RequestAborted;
        while (true)
        {
            var waiting = body.ReadAsync(Memory<byte>.Empty, gone); // holds no buffer while nothing comes
            if (!waiting.IsCompleted && !_context.Response.HasStarted) await to.FlushAsync(gone).ConfigureAwait(false);
            await waiting.ConfigureAwait(false);

            var read = await body.ReadAsync(to.GetMemory(options.BufferSize)[..options.BufferSize], gone).ConfigureAwait(false);
            if (read == 0) return true;
            to.Advance(read);
            metrics.BytesToClient(read);
            var flushed = await to.FlushAsync(gone).ConfigureAwait(false);
            if (!flushed.IsCompleted) continue;
            Log.ClientGone(logger, exchange.Method, exchange.Path);
            return false;
        }
    }

    private void AppendTrailers(HttpResponseMessage from)
    {
        if (!_context.Response.SupportsTrailers()) return; // HTTP/1.1 here: Kestrel has no way to send them
        var hopByHop = new HopByHop(default);
        foreach (var (name, values) in from.TrailingHeaders.NonValidated)
        {
            if (!hopByHop.Contains(name)) _context.Response.AppendTrailer(name, values.ToString());
        }
    }
}
