using System.Net;
using System.Net.Sockets;

namespace Sluice.Cli.Tests.Support;

/// <summary>A server whose every byte is the test's to say.</summary>
internal sealed class RawServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public RawServer() => _listener.Start();

    public Uri Url => new($"http://{_listener.LocalEndpoint}");

    public string WebSocketUrl => $"ws://{_listener.LocalEndpoint}/";

    /// <summary>The next connection, before any byte of it was read.</summary>
    public async Task<RawPeer> AcceptAsync() => new(await _listener.AcceptSocketAsync(Guard.Token()), isClient: false);

    /// <summary>The next connection, as an open WebSocket.</summary>
    public async Task<RawPeer> OpenAsync(params string[] headers)
    {
        var peer = await AcceptAsync();
        await peer.AcceptAsync(headers);
        return peer;
    }

    public void Dispose() => _listener.Dispose();
}
