using System.Net;
using Microsoft.Extensions.Logging;

namespace Sluice.Transport.Epoll;

internal static partial class Log
{
    public static void ReadEnd(ILogger logger, EpollConnection connection)
    {
        if (logger.IsEnabled(LogLevel.Debug)) ReadEnd(logger, connection.ConnectionId);
    }

    public static void Reset(ILogger logger, EpollConnection connection, string reason)
    {
        if (logger.IsEnabled(LogLevel.Debug)) Reset(logger, connection.ConnectionId, reason);
    }

    public static void WriteEnd(ILogger logger, EpollConnection connection)
    {
        if (logger.IsEnabled(LogLevel.Debug)) WriteEnd(logger, connection.ConnectionId);
    }

    public static void WriteReset(ILogger logger, EpollConnection connection, string reason)
    {
        if (logger.IsEnabled(LogLevel.Debug)) WriteReset(logger, connection.ConnectionId, reason);
    }

    public static void CallbackFailed(ILogger logger, EpollConnection connection, Exception error)
        => CallbackFailed(logger, connection.ConnectionId, error);

    [LoggerMessage(6, LogLevel.Warning, "no connection can be accepted on {EndPoint}: {Reason}; trying again until one can")]
    public static partial void Exhausted(ILogger logger, EndPoint? endPoint, string reason);

    [LoggerMessage(1, LogLevel.Debug, "{Connection} received FIN")]
    private static partial void ReadEnd(ILogger logger, string connection);

    [LoggerMessage(2, LogLevel.Debug, "{Connection} was reset: {Reason}")]
    private static partial void Reset(ILogger logger, string connection, string reason);

    [LoggerMessage(3, LogLevel.Debug, "{Connection} sends FIN: its output is complete")]
    private static partial void WriteEnd(ILogger logger, string connection);

    [LoggerMessage(4, LogLevel.Debug, "{Connection} sends RST: {Reason}")]
    private static partial void WriteReset(ILogger logger, string connection, string reason);

    [LoggerMessage(5, LogLevel.Error, "{Connection}: a callback of ConnectionClosed failed")]
    private static partial void CallbackFailed(ILogger logger, string connection, Exception error);
}
