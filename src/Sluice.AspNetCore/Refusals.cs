using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sluice.Handshake;

namespace Sluice.AspNetCore;

/// <summary>Answers the handshakes that are refused: a status, a line of text, a count and a line in the log.</summary>
internal sealed class Refusals(Func<HttpContext, HandshakeRefusal, Task>? respond, ConnectionMetrics metrics, ILogger logger)
{
    private static readonly KeyValuePair<string, string> RetryAfter = new("Retry-After", "10");

    public static HandshakeRefusal Body { get; } = new(
        StatusCodes.Status400BadRequest, RefusalReason.Body, "a request that opens a WebSocket has no body (RFC 6455 §4.1); leave out Content-Length and Transfer-Encoding");

    public static HandshakeRefusal NoRoom { get; } = new(
        StatusCodes.Status503ServiceUnavailable, RefusalReason.Capacity, "the server has as many open WebSockets as it may; try again later", RetryAfter);

    public static HandshakeRefusal TooManyFromAddress { get; } = new(
        StatusCodes.Status429TooManyRequests, RefusalReason.Address, "your address has as many open WebSockets as it may; close some, or try again later", RetryAfter);

    public static HandshakeRefusal Unsupported { get; } = new(
        StatusCodes.Status501NotImplemented, RefusalReason.Unsupported, "this server can't switch protocols on this connection; use one that can, as Kestrel");

    public Task AnswerAsync(HttpContext context, HandshakeRefusal refusal)
    {
        metrics.Refused(refusal.Reason.ToString());
        Log.Refused(logger, context.Connection.RemoteIpAddress, context.Request.Path, refusal.Status, refusal.Message);
        var response = context.Response;
        response.StatusCode = refusal.Status;
        foreach (var (name, value) in refusal.Headers) response.Headers.Append(name, value);
        // A proxy that forwarded the upgrade might take what follows for a tunnel: nothing behind a refusal is answered.
        if (!RequestFields.IsMultiplexed(context))
        {
            var connection = response.Headers.Connection;
            response.Headers.Connection = connection.Count == 0 ? "close" : $"{connection}, close";
        }
        return respond is null ? WriteAsync(context, refusal.Message) : respond(context, refusal);
    }

    private static Task WriteAsync(HttpContext context, string message)
    {
        var body = Encoding.UTF8.GetBytes(message + "\n");
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
