using Microsoft.Extensions.Logging;

namespace Sluice.Proxy;

/// <summary>The log's messages. An id, once given, keeps its meaning. A request path holds visible ASCII only, so no line can be forged.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "{Method} {Path}: {Status}, {Reason}: {Detail}")]
    public static partial void Failed(ILogger logger, string method, string path, int status, FailureReason reason, string detail);

    [LoggerMessage(2, LogLevel.Error, "{Method} {Path}: an error that the proxy does not know")]
    public static partial void Unexpected(ILogger logger, Exception error, string method, string path);

    [LoggerMessage(3, LogLevel.Debug, "{Method} {Path}: the client is gone, the request to the backend is cancelled")]
    public static partial void ClientGone(ILogger logger, string method, string path);

    [LoggerMessage(4, LogLevel.Warning, "{Method} {Path}: the backend's response broke off, the client's connection is cut: {Detail}")]
    public static partial void BrokeOff(ILogger logger, string method, string path, string detail);

    [LoggerMessage(5, LogLevel.Debug, "{Method} {Path}: refused with {Status}: {Detail}")]
    public static partial void Refused(ILogger logger, string method, string path, int status, string detail);

    [LoggerMessage(6, LogLevel.Debug, "{Path}: the backend refused the upgrade with {Status}")]
    public static partial void UpgradeRefused(ILogger logger, string path, int status);

    [LoggerMessage(EventId = 7, Message = "{Path}: tunnel ended ({End}) after {Seconds:F1} s, {ToBackend} bytes to the backend, {ToClient} to the client")]
    public static partial void TunnelEnded(ILogger logger, LogLevel level, string path, TunnelEnd end, double seconds, long toBackend, long toClient);

    [LoggerMessage(8, LogLevel.Information, "shutting down: {Count} tunnels open, cut in {DrainTimeout}")]
    public static partial void Draining(ILogger logger, int count, TimeSpan drainTimeout);

    [LoggerMessage(9, LogLevel.Warning, "shutting down: {Count} tunnels cut")]
    public static partial void Cut(ILogger logger, int count);

    [LoggerMessage(10, LogLevel.Warning, "no certificate of the backend is checked (ProxyOptions.InsecureBackend)")]
    public static partial void Insecure(ILogger logger);
}
