using System.Text;
using Microsoft.AspNetCore.Http;

namespace Sluice.Proxy;

/// <summary>The proxy's own answers: a status and a line of text.</summary>
internal static class Answer
{
    /// <summary>Writes the answer; where a response is already under way, cuts the connection instead, for a complete one would be a lie.</summary>
    /// <param name="context">The request to answer.</param>
    /// <param name="status">The status code.</param>
    /// <param name="text">Why; one line.</param>
    /// <param name="close">Whether to end the client's connection with it: what follows on it may not be what it seems.</param>
    public static async Task WriteAsync(HttpContext context, int status, string text, bool close)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            context.Abort();
            return;
        }

        response.Clear();
        response.StatusCode = status;
        if (close && HttpProtocol.IsHttp11(context.Request.Protocol)) response.Headers.Connection = "close"; // HTTP/2 has no such field
        if (status == StatusCodes.Status204NoContent) return;

        var body = Encoding.UTF8.GetBytes($"{status}: {text}\n");
        response.ContentType = "text/plain; charset=utf-8";
        response.ContentLength = body.Length;
        if (HttpMethods.IsHead(context.Request.Method)) return;
        try
        {
            await response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read it.
        }
    }
}
