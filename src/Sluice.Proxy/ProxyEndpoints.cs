using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Sluice.Proxy;

/// <summary>Maps a reverse proxy: plain HTTP and WebSocket, to one backend.</summary>
public static class ProxyEndpoints
{
    /// <summary>Forwards every request to the backend; see <see cref="MapProxy(IEndpointRouteBuilder, string, Uri, ProxyOptions)"/>.</summary>
    /// <param name="endpoints">Where to map it.</param>
    /// <param name="backend">The backend's URL, as <c>http://127.0.0.1:8080</c> or <c>https://host/prefix</c>.</param>
    /// <param name="options">How to treat clients and backend, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="ArgumentException">The URL or an option is not valid; the message says why.</exception>
    public static IEndpointConventionBuilder MapProxy(this IEndpointRouteBuilder endpoints, Uri backend, ProxyOptions? options = null) =>
        endpoints.MapProxy("/{**path}", backend, options);

    /// <inheritdoc cref="MapProxy(IEndpointRouteBuilder, string, Uri, ProxyOptions)"/>
    public static IEndpointConventionBuilder MapProxy(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, string backend, ProxyOptions? options = null) =>
        endpoints.MapProxy(pattern, BackendUrl.Parse(backend), options);

    /// <summary>
    /// Forwards requests that match the pattern, of any method, to the backend. The request's whole path is joined to the
    /// backend's, escapes as they came (<c>%2F</c> stays); the query is appended to the backend's. Header fields that end at
    /// a proxy (RFC 9110 §7.6.1) and <c>Forwarded</c> are left out, <c>X-Forwarded-For</c> is appended to,
    /// <c>X-Forwarded-Proto</c> and <c>-Host</c> are set. A WebSocket upgrade becomes a tunnel once the backend's 101 was
    /// found valid; a refusal reaches the client as it is. A backend that is down gives 502, one that is late 504, each with a reason.
    /// </summary>
    /// <remarks>
    /// Bodies are streamed both ways, and Kestrel's limit for request bodies is lifted (<see cref="ProxyOptions.MaxRequestBodySize"/>).
    /// A response begins when the request's body has been sent. Trailers reach clients on HTTP/2 only.
    /// If the application left Kestrel's <see cref="KestrelServerOptions.ResponseHeaderEncodingSelector"/> alone, it is set to Latin-1,
    /// so that a backend's header fields pass byte by byte; ASCII is not affected. The application's requests lose a
    /// <c>Connection: keep-alive</c>, or gain one beside <c>close</c> and <c>upgrade</c>: else Kestrel would hide which further
    /// fields <c>Connection</c> names, and they would reach the backend. Kestrel adds <c>Server</c> where
    /// the backend sends none, unless <see cref="KestrelServerOptions.AddServerHeader"/> is off.
    /// </remarks>
    /// <param name="endpoints">Where to map it.</param>
    /// <param name="pattern">A route pattern, as <c>/{**path}</c> for everything.</param>
    /// <param name="backend">The backend's URL, as <c>http://127.0.0.1:8080</c> or <c>https://host/prefix</c>.</param>
    /// <param name="options">How to treat clients and backend, or <see langword="null"/> for the defaults.</param>
    /// <returns>The endpoint, to add authorization or a host filter to.</returns>
    /// <exception cref="ArgumentException">The pattern, the URL or an option is not valid; the message says why.</exception>
    public static IEndpointConventionBuilder MapProxy(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, Uri backend, ProxyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var route = ParsePattern(pattern);
        var url = BackendUrl.Check(backend);
        var validated = (options ?? new()).Validated();

        var services = endpoints.ServiceProvider;
        var kestrel = services.GetService<IOptions<KestrelServerOptions>>()?.Value ?? new();
        PassHeaderBytes(kestrel);
        var requestEncoding = ConnectionOptionsEncoding.Install(kestrel);
        var proxy = new ReverseProxy(
            new(url, validated, requestEncoding, kestrel.ResponseHeaderEncodingSelector),
            validated,
            services.GetRequiredService<IMeterFactory>(),
            services.GetRequiredService<ILoggerFactory>().CreateLogger(ProxyMetrics.MeterName),
            services.GetRequiredService<IHostApplicationLifetime>());
        return endpoints.Map(route, proxy.InvokeAsync).WithDisplayName($"proxy {pattern} to {url}");
    }

    private static RoutePattern ParsePattern(string pattern)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        try
        {
            return RoutePatternFactory.Parse(pattern);
        }
        catch (RoutePatternException e)
        {
            throw new ArgumentException($"the route pattern '{pattern}' is not valid: {e.Message} /{{**path}} takes every path.", nameof(pattern), e);
        }
    }

    // Kestrel's default refuses a response with a byte above 127 in its header, as in a file name that is not escaped.
    private static void PassHeaderBytes(KestrelServerOptions kestrel)
    {
        if (kestrel.ResponseHeaderEncodingSelector == new KestrelServerOptions().ResponseHeaderEncodingSelector)
        {
            kestrel.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;
        }
    }
}
