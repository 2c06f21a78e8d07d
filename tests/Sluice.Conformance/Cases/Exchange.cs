using System.Net.Sockets;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Cases;

/// <summary>
/// Frames that the peer sends to something that echoes, and the frames that must come back, bit for bit and in order.
/// As long as nothing else is said, the connection must then still be good for a closing handshake.
/// </summary>
public sealed class Exchange
{
    private readonly string _name;
    private readonly Frame[] _sent;
    private Frame[] _expected = [];
    private Frame? _closes;
    private int? _fails;

    internal Exchange(string name, params Frame[] sent)
    {
        _name = name;
        _sent = sent;
    }

    /// <summary>Limits other than the defaults, where the case needs them.</summary>
    internal Limits Limits { get; init; } = Limits.Default;

    /// <summary>What the peer says of permessage-deflate, if it does: as a client its offer, as a server its agreement. What comes
    /// back compressed is then inflated before it is compared.</summary>
    internal string? Deflate { get; init; }

    /// <summary>These come back first.</summary>
    internal Exchange Answers(params Frame[] expected)
    {
        _expected = expected;
        return this;
    }

    /// <summary>What was sent comes back.</summary>
    internal Exchange Echoes() => Answers(_sent);

    /// <summary>What was sent has closed the connection, and is answered by this close frame.</summary>
    internal Exchange Closes(Frame answer)
    {
        _closes = answer;
        return this;
    }

    /// <summary>The last byte sent shows that the connection must fail with this code: no other byte is sent.</summary>
    internal Exchange Fails(int code)
    {
        _fails = code;
        return this;
    }

    public override string ToString() => _name;

    internal async Task RunAsync(Subject subject, Delivery delivery)
    {
        await using var link = await Link.OpenAsync(subject, Limits, Deflate);
        var inflation = new Inflation(subject.Side(), Deflate);
        var peer = link.Peer;
        var bytes = peer.Bytes(_sent);
        var sending = Task.Run(() => delivery.SendAsync(peer, bytes));
        await ReadAnswersAsync(peer, inflation, inOrder: subject is Subject.ServerDirect or Subject.ServerEpoll or Subject.ServerHandler or Subject.ClientHandler);
        if (_fails is { } code) await FailAsync(peer, sending, code);
        else await CloseAsync(peer, sending);
        if (link.Connection is { } connection) ((int)(await connection.Released.Guarded()).Code).ShouldBe(_fails ?? _closes?.Code() ?? 1000);
    }

    // Who echoes by calls has code of its own between a message and its echo, and a pong does not wait for that
    // (§5.5.2: as soon as is practical). Each kind keeps its order all the same.
    private async Task ReadAnswersAsync(Peer peer, Inflation inflation, bool inOrder)
    {
        if (inOrder)
        {
            foreach (var frame in _expected) inflation.Read(await peer.ReadFrameAsync()).ShouldBe(frame);
            return;
        }
        var received = new List<Received>();
        foreach (var _ in _expected) received.Add(inflation.Read(await peer.ReadFrameAsync()));
        Frame[] inTurn = [.. _expected.Where(frame => frame.Opcode < 8), .. _expected.Where(frame => frame.Opcode >= 8)];
        Received[] came = [.. received.Where(frame => frame.Opcode < 8), .. received.Where(frame => frame.Opcode >= 8)];
        foreach (var (frame, expected) in came.Zip(inTurn)) frame.ShouldBe(expected);
    }

    // RFC 6455 §7.1.7: a close frame with the code, then an end that is no reset. What it ends with is the client's
    // and the server's alike once the peer, who can't finish its frame, has ended its own direction.
    private static async Task FailAsync(Peer peer, Task sending, int code)
    {
        await peer.ReadCloseAsync(code);
        await sending.Guarded();
        peer.HalfClose();
        await peer.ShouldEndAsync();
    }

    private async Task CloseAsync(Peer peer, Task sending)
    {
        try
        {
            await sending.Guarded();
        }
        catch (SocketException) when (Array.FindIndex(_sent, frame => frame.Opcode == 8) is var close and >= 0 && close < _sent.Length - 1)
        {
            // A server ends the transport as soon as both close frames are there (§5.5.1), whatever we still send.
        }
        if (_closes is null) await peer.SendAsync(Frame.Close(1000));
        await peer.ShouldReadAsync(_closes ?? Frame.Close(1000));
        await peer.ShouldEndInTurnAsync();
    }
}

internal static class Endings
{
    public static int Code(this Frame close) => close.Payload.Length == 0 ? 1005 : (close.Payload[0] << 8) | close.Payload[1];

    /// <summary>After both close frames the server ends the transport first (RFC 6455 §7.1.1): a server under test without
    /// being asked, a client when the peer has.</summary>
    public static async Task ShouldEndInTurnAsync(this Peer peer)
    {
        if (peer.Side == Side.Server) peer.HalfClose();
        await peer.ShouldEndAsync();
    }
}
