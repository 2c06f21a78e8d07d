using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sluice.AspNetCore;

/// <summary>
/// Ends the transport at once, but only while the request lasts: the server uses its objects again for other requests,
/// and an abort that comes late would hit one of those.
/// </summary>
internal sealed class TransportAbort
{
    private const int Http2Cancel = 0x8; // RFC 8441 §5: what a TCP reset is over HTTP/1.1 (RFC 9113 §7)
    private const int Http3RequestCancelled = 0x10c; // RFC 9220 §3, RFC 9114 §8.1

    private readonly Lock _gate = new();
    private HttpContext? _context;

    public TransportAbort(HttpContext context)
    {
        _context = context;
        context.Response.OnCompleted(
            static abort =>
            {
                ((TransportAbort)abort).Forget();
                return Task.CompletedTask;
            },
            this);
    }

    public void Invoke()
    {
        lock (_gate)
        {
            if (_context is not { } context) return;
            if (RequestFields.IsMultiplexed(context) && context.Features.Get<IHttpResetFeature>() is { } stream)
            {
                stream.Reset(HttpProtocol.IsHttp2(context.Request.Protocol) ? Http2Cancel : Http3RequestCancelled);
            }
            else
            {
                context.Abort();
            }
        }
    }

    private void Forget()
    {
        lock (_gate) _context = null;
    }
}
