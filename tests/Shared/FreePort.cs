using System.Net;
using System.Net.Sockets;

namespace Sluice.Shared;

/// <summary>A TCP port of the loopback interface where nobody listens now.</summary>
internal static class FreePort
{
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
