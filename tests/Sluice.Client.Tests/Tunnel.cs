using System.Net.Sockets;

namespace Sluice.Client.Tests;

/// <summary>Bytes both ways, each until its end.</summary>
internal static class Tunnel
{
    public static Task RunAsync(NetworkStream one, NetworkStream other) => Task.WhenAll(CopyAsync(one, other), CopyAsync(other, one)).Guarding();

    private static async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        try
        {
            await from.CopyToAsync(to);
            to.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            to.Socket.Close(); // an end by reset
        }
    }
}
