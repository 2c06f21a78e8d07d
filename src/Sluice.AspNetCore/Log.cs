using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Sluice.AspNetCore;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "{Connection} from {Address} opened on {Path} over {Protocol}, {Subprotocol}")]
    public static partial void Opened(ILogger logger, string connection, IPAddress? address, PathString path, string protocol, string subprotocol);

    public static void Ended(ILogger logger, string connection, CloseResult result)
    {
        if (result.WasClean) Closed(logger, connection, result);
        else ClosedAbnormally(logger, connection, result);
    }

    [LoggerMessage(2, LogLevel.Debug, "{Connection} {Result}")]
    private static partial void Closed(ILogger logger, string connection, CloseResult result);

    [LoggerMessage(3, LogLevel.Information, "{Connection} {Result}")]
    private static partial void ClosedAbnormally(ILogger logger, string connection, CloseResult result);

    [LoggerMessage(4, LogLevel.Information, "handshake from {Address} on {Path} refused with {Status}: {Reason}")]
    public static partial void Refused(ILogger logger, IPAddress? address, PathString path, int status, string reason);

    [LoggerMessage(5, LogLevel.Error, "{Connection}: the handler failed; closing with 1011")]
    public static partial void HandlerFailed(ILogger logger, string connection, Exception error);

    [LoggerMessage(6, LogLevel.Information, "shutting down: closing {Count} connections with 1001")]
    public static partial void Draining(ILogger logger, int count);

    [LoggerMessage(7, LogLevel.Error, "{Connection}: {Callback} failed")]
    public static partial void CallbackFailed(ILogger logger, string connection, string callback, Exception error);

    [LoggerMessage(8, LogLevel.Debug, "{Connection} from {Address} sent nothing for {Limit}: ended before a handshake")]
    public static partial void Silent(ILogger logger, string connection, IPAddress? address, TimeSpan limit);
}
