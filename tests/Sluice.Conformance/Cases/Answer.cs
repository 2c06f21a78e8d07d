using System.Net.Sockets;
using System.Text;
using Sluice.Conformance.Rfc6455;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Cases;

/// <summary>What a server answers to the client's request, and what the client must make of it.</summary>
public sealed class Answer
{
    private readonly string _name;
    private readonly Func<string, string> _response;
    private ConnectFailure? _failure;

    internal Answer(string name, Func<string, string> response)
    {
        _name = name;
        _response = response;
    }

    internal Answer(string name, Func<string, string[], string> response)
        : this(name, request => response(request, []))
    {
    }

    internal WebSocketClientOptions Options { get; init; } = WebSocketClientOptions.Default;

    internal string? Subprotocol { get; init; }

    /// <summary>What must then hold of permessage-deflate; null when nothing is agreed.</summary>
    internal string? Agreed { get; init; }

    /// <summary>The server ends its direction behind the bytes.</summary>
    internal bool Ends { get; init; }

    public override string ToString() => _name;

    internal Answer Fails(ConnectFailure failure)
    {
        _failure = failure;
        return this;
    }

    internal async Task RunAsync(Delivery delivery)
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        using var peer = await ClientOpeningTests.AcceptAsync(listener, "/", Options, out var connecting);
        var bytes = Encoding.Latin1.GetBytes(_response(await peer.ReadHeadAsync()));
        if (_failure is { } failure)
        {
            await SendToWhoMayBeGoneAsync(peer, delivery, bytes);
            (await Should.ThrowAsync<HandshakeException>(() => connecting.Guarded())).Failure.ShouldBe(failure);
            return;
        }
        await delivery.SendAsync(peer, bytes);
        await using var connection = await connecting.Guarded();
        connection.Subprotocol.ShouldBe(Subprotocol);
        connection.Compression?.ToString().ShouldBe(Agreed);
        (connection.Compression is null).ShouldBe(Agreed is null);
        await ShouldBeOpenAsync(peer, connection);
    }

    private async Task SendToWhoMayBeGoneAsync(Peer peer, Delivery delivery, byte[] bytes)
    {
        try
        {
            await delivery.SendAsync(peer, bytes);
            if (Ends) peer.HalfClose();
        }
        catch (SocketException)
        {
            // The client knew enough, and hung up.
        }
    }

    private static async Task ShouldBeOpenAsync(Peer peer, WebSocketConnection connection)
    {
        if (connection.Compression is not null)
        {
            await peer.SendAsync(Frame.Text(Deflation.Hello).Rsv(4));
            (await connection.ReceiveAsync().Guarded()).Text.ShouldBe("Hello");
        }
        await peer.SendAsync(Frame.Text("open"));
        (await connection.ReceiveAsync().Guarded()).Text.ShouldBe("open");
        await connection.SendAsync("open, too").Guarded();
        await peer.ShouldReadAsync(Frame.Text("open, too"));
        await peer.SendAsync(Frame.Close(1000));
        (await connection.ReceiveAsync().Guarded()).IsClose.ShouldBeTrue(); // asked for, so that the close is answered
        await peer.ShouldReadAsync(Frame.Close(1000));
        peer.HalfClose();
        await peer.ShouldEndAsync();
    }
}
