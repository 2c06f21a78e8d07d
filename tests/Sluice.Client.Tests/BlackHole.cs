using System.Net;
using System.Net.Sockets;

namespace Sluice.Client.Tests;

/// <summary>An address of the loopback on which connecting gets no answer at all: its backlog is full, so the kernel drops what
/// comes.</summary>
internal sealed class BlackHole : IDisposable
{
    public static readonly IPAddress Address = IPAddress.Parse("127.0.0.2");

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _filling = [];

    private BlackHole(int port)
    {
        _listener.Bind(new IPEndPoint(Address, port));
        _listener.Listen(0);
    }

    public static async Task<BlackHole> OpenAsync(int port)
    {
        var hole = new BlackHole(port);
        for (var i = 0; i < 3; i++) // one more than a backlog of 0 holds, for good measure
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            hole._filling.Add(socket);
            var connecting = socket.ConnectAsync(Address, port);
            if (i == 0) await connecting.Guarding();
            else _ = connecting.ContinueWith(task => task.Exception, TaskScheduler.Default);
        }
        return hole;
    }

    /// <summary>How many sockets of this machine wait for its answer.</summary>
    public int Waiting(int port)
    {
        foreach (var socket in _filling) socket.Dispose();
        var there = $"0200007F:{port:X4} 02"; // SYN_SENT, as Linux shows it
        return File.ReadAllLines("/proc/net/tcp").Count(line => line.Contains(there, StringComparison.Ordinal));
    }

    public void Dispose()
    {
        foreach (var socket in _filling) socket.Dispose();
        _listener.Dispose();
    }
}
