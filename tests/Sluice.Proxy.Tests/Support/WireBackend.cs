using System.Net;
using System.Net.Sockets;
using Sluice.Handshake;

namespace Sluice.Proxy.Tests.Support;

/// <summary>A backend whose every byte the test chooses.</summary>
internal sealed class WireBackend : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public WireBackend()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public string Url => $"http://127.0.0.1:{Port}";

    /// <summary>Whether anyone has connected who was not accepted yet.</summary>
    public bool HasConnection => _listener.Poll(0, SelectMode.SelectRead);

    /// <summary>The next connection.</summary>
    public async Task<Wire> AcceptAsync() => new(await _listener.AcceptAsync().Guarded()) { Socket = { NoDelay = true } };

    /// <summary>Takes one connection and one request without a body, and answers it.</summary>
    public async Task<Head> AnswerAsync(string response)
    {
        using var wire = await AcceptAsync();
        var head = await wire.ReadHeadAsync();
        await wire.SendAsync(response);
        return head;
    }

    /// <summary>A 101 that answers the request's key, with these bytes right behind it.</summary>
    public static string Accepting(Head request, string behind = "", string fields = "") =>
        $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {HandshakeKey.ComputeAccept(request["Sec-WebSocket-Key"])}\r\n{fields}\r\n{behind}";

    public void Dispose() => _listener.Dispose();
}
