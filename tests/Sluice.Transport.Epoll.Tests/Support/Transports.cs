using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Sluice.Transport.Epoll.Tests.Support;

/// <summary>The transports that a test runs on: Kestrel's own is the reference that ours must behave as.</summary>
public enum Kind
{
    Sockets,
    Adaptive,
    Dispatched,
    Inline,
}

/// <summary>Makes transports without a server around them.</summary>
internal static class Transports
{
    public static TheoryData<Kind> All => [.. Enum.GetValues<Kind>()];

    public static TheoryData<Kind> Ours => [Kind.Adaptive, Kind.Dispatched, Kind.Inline];

    public static ContinuationScheduling Scheduling(this Kind kind) => kind switch
    {
        Kind.Dispatched => ContinuationScheduling.Dispatched,
        Kind.Inline => ContinuationScheduling.Inline,
        _ => ContinuationScheduling.Adaptive,
    };

    public static IConnectionListenerFactory Create(Kind kind, Action<EpollTransportOptions>? configure = null)
    {
        if (kind == Kind.Sockets) return new SocketTransportFactory(Options.Create(new SocketTransportOptions()), NullLoggerFactory.Instance);
        var options = new EpollTransportOptions { LoopCount = 2, Scheduling = kind.Scheduling() };
        configure?.Invoke(options);
        return new EpollTransportFactory(Options.Create(options), NullLoggerFactory.Instance, new ServiceCollection().BuildServiceProvider());
    }
}
