using System.Diagnostics.Metrics;
using System.Net.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;

namespace Sluice.Proxy;

/// <summary>One mapped proxy: what it does with a request. Lives as long as the host.</summary>
internal sealed class ReverseProxy : IDisposable
{
    private readonly Backend _backend;
    private readonly ProxyOptions _options;
    private readonly ProxyMetrics _metrics;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _invoker;
    private readonly UpgradeForwarder _upgrades;

    public ReverseProxy(Backend backend, ProxyOptions options, IMeterFactory meters, ILogger logger, IHostApplicationLifetime lifetime)
    {
        _backend = backend;
        _options = options;
        _metrics = new(meters);
        _logger = logger;
        _invoker = new(backend.CreateHandler());
        _upgrades = new(backend, options, _metrics, logger, new OpenTunnels(options, logger, lifetime.ApplicationStopping));
        lifetime.ApplicationStopped.Register(Dispose);
        if (options.InsecureBackend) Log.Insecure(logger);
    }

    public async Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var upgrade = ClientUpgrade.Find(context);
        if (RequestRefusal.Of(context, upgrade is not null, _options, out var path, out var query) is { } refusal)
        {
            Log.Refused(_logger, request.Method, path, refusal.Status, refusal.Text);
            await Answer.WriteAsync(context, refusal.Status, refusal.Text, close: true).ConfigureAwait(false);
        }
        else
        {
            var exchange = new Exchange(context, path, _backend.UrlOf(path, query), _options.PreserveHost ? request.Host.Value ?? "" : _backend.Authority);
            await RunAsync(exchange, upgrade).ConfigureAwait(false);
        }

        _metrics.Request(context.Response.StatusCode);
    }

    public void Dispose() => _invoker.Dispose();

    private async Task RunAsync(Exchange exchange, ClientUpgrade? upgrade)
    {
        try
        {
            if (upgrade is null) await ForwardAsync(exchange).ConfigureAwait(false);
            else await UpgradeAsync(exchange, upgrade).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ClientGoneException || exchange.Context.RequestAborted.IsCancellationRequested)
        {
            Log.ClientGone(_logger, exchange.Method, exchange.Path);
            exchange.Context.Abort();
        }
        catch (FailedException e)
        {
            _metrics.Failed(e.Failure.Reason);
            Log.Failed(_logger, exchange.Method, exchange.Path, e.Failure.Status, e.Failure.Reason, e.Failure.Detail);
            await Answer.WriteAsync(exchange.Context, e.Failure.Status, e.Failure.Text, close: upgrade is not null).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            Log.Refused(_logger, exchange.Method, exchange.Path, e.StatusCode, e.Message);
            await Answer.WriteAsync(exchange.Context, e.StatusCode, e.Message, close: true).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _metrics.Failed(FailureReason.Unexpected);
            Log.Unexpected(_logger, e, exchange.Method, exchange.Path);
            await Answer.WriteAsync(exchange.Context, StatusCodes.Status502BadGateway, "the request to the backend failed", close: true).ConfigureAwait(false);
        }
    }

    // The client may end its side before the tunnel is there: what the backend answers still goes to it.
    private async Task UpgradeAsync(Exchange exchange, ClientUpgrade upgrade)
    {
        using var hold = upgrade.IsExtendedConnect ? null : exchange.Context.Features.Get<IHalfCloseFeature>()?.KeepOpen();
        await _upgrades.ForwardAsync(exchange, upgrade).ConfigureAwait(false);
    }

    private async Task ForwardAsync(Exchange exchange)
    {
        var context = exchange.Context;
        using var deadline = new ResponseDeadline(_options, context.RequestAborted);
        using var body = HasBody(context) ? new RequestBody(context.Request, context.Request.ContentLength, deadline, _metrics) : null;
        using var request = exchange.CreateRequest(context.Request.Method, body, () => new RequestBody(context.Request, 0, deadline, _metrics));
        using var response = await SendAsync(_invoker, request, deadline, body).ConfigureAwait(false);
        await new ResponseForwarder(exchange, _options, _metrics, _logger).ForwardAsync(response, close: false).ConfigureAwait(false);
    }

    // A declared length of 0 is passed on as such.
    private static bool HasBody(HttpContext context) =>
        (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true) || context.Request.ContentLength is not null;

    /// <summary>Sends and waits for the response's headers, with every failure of the backend turned into <see cref="FailedException"/>.</summary>
    internal static async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker invoker, HttpRequestMessage request, ResponseDeadline deadline, RequestBody? body)
    {
        try
        {
            var response = await invoker.SendAsync(request, deadline.Token).ConfigureAwait(false);
            deadline.Disarm();
            return response;
        }
        catch (Exception) when (body?.ClientFailure is { } clientFailure && !deadline.Expired)
        {
            throw clientFailure as BadHttpRequestException ?? (Exception)new ClientGoneException(clientFailure);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || deadline.Expired)
        {
            throw new FailedException(Failure.From(e, deadline.Expired), e);
        }
    }
}
