using System.Net;
using System.Net.Sockets;
using Sluice.Compression;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Subjects;

/// <summary>An open WebSocket between a raw peer and a subject. Disposing it waits until the subject has let go.</summary>
internal sealed class Link : IAsyncDisposable
{
    private readonly Task _subjectDone;

    private Link(Peer peer, WebSocketConnection? connection, Task subjectDone)
    {
        Peer = peer;
        Connection = connection;
        _subjectDone = subjectDone;
    }

    public Peer Peer { get; }

    /// <summary>Our end, where the test has it: always a client's, and a server's that is held.</summary>
    public WebSocketConnection? Connection { get; }

    /// <summary>A subject that echoes.</summary>
    /// <param name="subject">Which.</param>
    /// <param name="limits">Its limits; the defaults, without keep-alive, when there are none.</param>
    /// <param name="deflate">What the peer says of permessage-deflate, as a client its offer and as a server its agreement; the
    /// subject compresses as it does by default. Nothing when it is null.</param>
    public static Task<Link> OpenAsync(Subject subject, Limits? limits = null, string? deflate = null)
    {
        limits ??= Limits.Default;
        var compression = deflate is null ? null : CompressionOptions.Default;
        if (subject.Side() == Side.Client) return OpenClientAsync(Echo.Of(subject), limits.Options, compression, deflate);
        var port = subject switch
        {
            Subject.ServerDirect => EchoServer.DirectPort,
            Subject.ServerEpoll => EchoServer.EpollPort,
            _ => EchoServer.Port,
        };
        var path = subject switch
        {
            Subject.ServerDirect or Subject.ServerEpoll or Subject.ServerHandler => "/echo",
            Subject.ServerCalls => "/calls",
            _ => "/streams",
        };
        return OpenServerAsync((deflate is null ? "" : "/deflate") + limits.Path + path, port, deflate);
    }

    /// <summary>A subject that the test itself drives, by its connection.</summary>
    /// <param name="side">Which.</param>
    /// <param name="options">Its limits and times; the defaults without keep-alive when there are none.</param>
    /// <param name="compression">How it compresses; null does not.</param>
    /// <param name="deflate">As for <see cref="OpenAsync"/>.</param>
    public static async Task<Link> HoldAsync(
        Side side, ConnectionOptions? options = null, CompressionOptions? compression = null, string? deflate = null)
    {
        if (side == Side.Client) return await OpenClientAsync(static _ => Task.CompletedTask, options, compression, deflate);
        var held = new TaskCompletionSource<WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var path = EchoServer.Prepare(options, compression, connection =>
        {
            held.SetResult(connection);
            return Task.CompletedTask;
        });
        var link = await OpenServerAsync(path, EchoServer.Port, deflate);
        return new Link(link.Peer, await held.Task.Guarded(), Task.CompletedTask);
    }

    public async ValueTask DisposeAsync()
    {
        Peer.Dispose();
        await _subjectDone.Guarded();
        if (Connection is not null) await Connection.Released.Guarded();
    }

    private static async Task<Link> OpenServerAsync(string path, int port, string? deflate)
    {
        var peer = await EchoServer.DialAsync(port);
        await peer.SendAsync(Http.Request(path, $"Sec-WebSocket-Extensions:{deflate}"));
        var head = await peer.ReadHeadAsync();
        Http.Status(head).ShouldBe(101, head);
        Http.Value(head, "Sec-WebSocket-Accept").ShouldBe(Http.Accept);
        (Http.Value(head, "Sec-WebSocket-Extensions") is not null).ShouldBe(deflate is not null, head);
        return new Link(peer, null, Task.CompletedTask);
    }

    private static async Task<Link> OpenClientAsync(
        Func<WebSocketConnection, Task> run, ConnectionOptions? options, CompressionOptions? compression, string? deflate)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var connecting = WebSocketClient.ConnectAsync(
            $"ws://127.0.0.1:{port}/", new() { Connection = options ?? Limits.Default.Options, Compression = compression });
        var socket = await listener.AcceptSocketAsync().Guarded();
        socket.NoDelay = true;
        var peer = new Peer(socket, Side.Server);
        var request = await peer.ReadHeadAsync();
        await peer.SendAsync(Http.Response(request, $"Sec-WebSocket-Extensions:{deflate}"));
        var connection = await connecting.Guarded();
        return new Link(peer, connection, RunAsync(connection, run));
    }

    private static async Task RunAsync(WebSocketConnection connection, Func<WebSocketConnection, Task> run)
    {
        try
        {
            await run(connection);
        }
        catch (WebSocketClosedException)
        {
            // An echo, or a stream, met the end of the connection; how it ended is what the case looks at.
        }
    }
}
