using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Sluice.AspNetCore;

/// <summary>Flow control of HTTP/2 connections that carry WebSockets.</summary>
public static class Http2Windows
{
    /// <summary>
    /// Makes the connection's window so large that sockets which nobody reads never stall the others of their connection:
    /// twice <see cref="Http2Limits.InitialStreamWindowSize"/> times <see cref="Http2Limits.MaxStreamsPerConnection"/>.
    /// By Kestrel's defaults two sockets that are not read stop all others of their connection (RFC 9113 §5.2.2).
    /// </summary>
    /// <remarks>
    /// What a connection may make the server hold is then the window of a stream for each of its streams: 75 MiB by Kestrel's
    /// defaults, 768 KiB and 100. A smaller window bounds it closer, and bounds what a socket may receive in one round trip.
    /// Set both first; <c>sluice serve</c> has windows of 128 KiB.
    /// </remarks>
    /// <param name="limits">As in <c>kestrel.Limits.Http2.KeepStreamsApart()</c>.</param>
    /// <returns>The same limits.</returns>
    /// <exception cref="InvalidOperationException">Such a window would be larger than HTTP/2 allows.</exception>
    public static Http2Limits KeepStreamsApart(this Http2Limits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        // Twice, as Kestrel gives credit back only when half of a window has been read: what is read must never be the smaller half.
        var window = 2L * limits.InitialStreamWindowSize * limits.MaxStreamsPerConnection;
        if (window > int.MaxValue)
        {
            throw new InvalidOperationException(
                $"{limits.MaxStreamsPerConnection} streams with windows of {limits.InitialStreamWindowSize} bytes need a larger connection "
                + "window than HTTP/2 has (RFC 9113 §6.9.1); lower MaxStreamsPerConnection or InitialStreamWindowSize");
        }
        limits.InitialConnectionWindowSize = (int)window;
        return limits;
    }
}
