using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Sluice.Cli.Page;

/// <summary>Serves the page for trying a socket by hand: a few files embedded in this assembly.</summary>
internal static class PageEndpoint
{
    // Nothing from elsewhere and nothing inline: a message that got into the page as HTML would still be inert.
    // connect-src names ws: and wss: because the page may open a socket on any server.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    private static readonly (string Route, string File, string ContentType)[] Files =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/page.css", "page.css", "text/css; charset=utf-8"),
        ("/page.js", "page.js", "text/javascript; charset=utf-8"),
        ("/page-input.js", "page-input.js", "text/javascript; charset=utf-8"),
        ("/page-log.js", "page-log.js", "text/javascript; charset=utf-8"),
        ("/page-words.js", "page-words.js", "text/javascript; charset=utf-8"),
    ];

    /// <summary>Maps <c>/</c> and the files that the page needs, for GET and HEAD.</summary>
    internal static void MapPage(this IEndpointRouteBuilder app)
    {
        foreach (var (route, file, contentType) in Files)
        {
            var content = ReadResource(file);
            var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");
            // The result answers HEAD without a body and If-None-Match with 304 (RFC 9110 §9.3.2, §13.1.2).
            var result = TypedResults.Bytes(content, contentType, entityTag: tag);
            app.MapMethods(route, Methods, context =>
            {
                SetHeaders(context.Response.Headers);
                return result.ExecuteAsync(context);
            });
        }
    }

    private static void SetHeaders(IHeaderDictionary headers)
    {
        // Kept, but asked for again each time: a new version of the server shows its own page at once.
        headers.CacheControl = "no-cache";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
    }

    private static byte[] ReadResource(string file)
    {
        using var stream = typeof(PageEndpoint).Assembly.GetManifestResourceStream("Page/" + file)
            ?? throw new InvalidOperationException(
                $"The page's file {file} is missing from this build: it belongs among the project's embedded resources.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
