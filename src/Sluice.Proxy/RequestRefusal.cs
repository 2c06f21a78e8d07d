using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sluice.Proxy;

/// <summary>Requests that never reach the backend.</summary>
internal static class RequestRefusal
{
    /// <summary>Why the request is answered here, or <see langword="null"/>; then path and query are those of its target, as they came.</summary>
    public static (int Status, string Text)? Of(HttpContext context, bool isUpgrade, ProxyOptions options, out string path, out string query)
    {
        var request = context.Request;
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget;
        if (string.IsNullOrEmpty(target)) target = request.PathBase.ToUriComponent() + request.Path.ToUriComponent() + request.QueryString.ToUriComponent();

        // HttpMethod compares without case, so "connect" would become a CONNECT too.
        if (!isUpgrade && request.Method.Equals(HttpMethods.Connect, StringComparison.OrdinalIgnoreCase))
        {
            path = query = string.Empty;
            return (StatusCodes.Status501NotImplemented, "CONNECT is not for a reverse proxy");
        }

        if (!RequestTarget.TryParse(target, out path, out query))
        {
            return target == "*"
                ? (StatusCodes.Status204NoContent, "OPTIONS * asks the proxy itself")
                : (StatusCodes.Status400BadRequest, "the request target holds a character that must be escaped, or is of no form that can be forwarded");
        }

        // RFC 9112 §6.1: a coding that is not understood must not be passed on as if it were none.
        var coding = request.Headers.TransferEncoding;
        if (coding.Count > 0 && !HeaderTokens.IsOnly(coding, "chunked"))
        {
            return (StatusCodes.Status501NotImplemented, "the only transfer coding that is understood is chunked");
        }

        return !isUpgrade && BodyTooLarge(context, options) ? (StatusCodes.Status413PayloadTooLarge, $"the body is larger than {options.MaxRequestBodySize} bytes") : null;
    }

    private static bool BodyTooLarge(HttpContext context, ProxyOptions options)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = options.MaxRequestBodySize;
        return context.Request.ContentLength > options.MaxRequestBodySize;
    }
}
