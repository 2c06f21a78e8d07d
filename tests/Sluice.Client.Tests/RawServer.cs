using System.Net;
using System.Net.Sockets;

namespace Sluice.Client.Tests;

/// <summary>A server that sends exactly the bytes that a test says.</summary>
internal sealed class RawServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public RawServer() => _listener.Start();

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => $"ws://127.0.0.1:{Port}/path?a=b";

    /// <summary>Whether somebody has connected and was not accepted yet.</summary>
    public bool HasPending => _listener.Pending();

    /// <summary>The next connection.</summary>
    public async Task<RawPeer> AcceptAsync() => new(await _listener.AcceptSocketAsync().Guarding());

    /// <summary>The next connection, with the opening handshake answered.</summary>
    /// <param name="behind">Bytes that leave in the same segment as the answer.</param>
    public async Task<RawPeer> OpenAsync(params byte[] behind)
    {
        var peer = await AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync([.. RawPeer.Bytes(peer.Answer()), .. behind]);
        return peer;
    }

    /// <summary>Answers one request with these bytes, and waits until the client has closed the connection.</summary>
    public async Task AnswerAsync(Func<RawPeer, string> answer)
    {
        using var peer = await AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync(answer(peer));
        await peer.ReadToEndAsync();
    }

    public void Dispose() => _listener.Dispose();
}
