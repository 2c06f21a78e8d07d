using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Sluice.Transport.Epoll;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Puts the transport under Kestrel.</summary>
public static class EpollTransportExtensions
{
    /// <summary>
    /// Makes Kestrel use the epoll transport for TCP and Unix domain sockets. Other endpoints, and other systems than Linux on
    /// x86-64 or 64-bit Arm, keep the default transport.
    /// </summary>
    /// <param name="builder">The host's builder.</param>
    /// <param name="configure">Changes the options; <see langword="null"/> for the defaults.</param>
    /// <returns>The same builder.</returns>
    public static IWebHostBuilder UseEpollTransport(this IWebHostBuilder builder, Action<EpollTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services =>
        {
            if (configure is not null) services.Configure(configure);
            // Kestrel asks the one that came last first, and adds its own only when there is none.
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, SocketTransportFactory>());
            if (IsSupported) services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, EpollTransportFactory>());
        });
    }

    private static bool IsSupported
        => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;
}
