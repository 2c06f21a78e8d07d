using System.Net.Sockets;

namespace Sluice.Proxy.Tests.Support;

internal static class Flood
{
    /// <summary>Writes until the socket takes no more: every buffer between here and the reader is full. Returns how many bytes it took.</summary>
    /// <remarks>
    /// "Takes no more" is seen by a poll that waits for a while; a mistake (a slow machine) lets the flood end early,
    /// which can only make the number smaller, so that an upper bound stays true.
    /// </remarks>
    public static Task<long> UntilBlockedAsync(Socket socket, long limit) => Task.Run(() =>
    {
        socket.Blocking = false;
        var piece = new byte[64 * 1024];
        var sent = 0L;
        while (sent < limit)
        {
            if (!socket.Poll(TimeSpan.FromSeconds(1), SelectMode.SelectWrite)) return sent;
            try
            {
                sent += socket.Send(piece);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
            }
        }

        return sent;
    });
}
