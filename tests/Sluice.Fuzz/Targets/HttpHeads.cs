using System.Net;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Sluice.Fuzz.Engine;
using Sluice.Fuzz.Grammar;
using Sluice.Fuzz.Reference;

namespace Sluice.Fuzz.Targets;

/// <summary>
/// Raw bytes near to an opening handshake, over TCP, to a real Kestrel with an echo: a status, or a 101 with frames in
/// order behind it, or an orderly end; the server goes on serving, and logs no error.
/// </summary>
internal sealed class HttpHeads : Target
{
    private const int HealthEvery = 200;
    private const int GuardMilliseconds = 30_000;

    private static readonly byte[] Healthy = Encoding.ASCII.GetBytes(
        "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");

    private readonly EchoServer _server = new();
    private int _inputs;

    public override string Name => "http";

    // Every connection takes a port for a minute.
    public override long InputsInTurn => 10_000;

    public override Gen<byte[]> Inputs => Bytes.Sequence(Bytes.Chunks, RequestHeads.Any);

    public override void Run(byte[] input, Trace trace)
    {
        var reader = new InputReader(input);
        var chunks = reader.Chunks();
        var answer = Exchange(reader.Rest(), chunks, out var wasReset);
        if (Split(answer) is var (status, behind))
        {
            trace.Note(1, status);
            FuzzFailure.Unless(status is >= 100 and < 600, "an HTTP status");
            if (status == 101) CheckFrames(behind, trace);
            else FuzzFailure.Unless(status < 500 || status is 501 or 505, "no server's fault (5xx) by what a client sends");
        }
        else
        {
            trace.Note(2, wasReset ? 1 : 0);
            // Kestrel's answer to HTTP/2's preface on a port without HTTP/2: a GOAWAY frame.
            var isGoAway = answer.AsSpan().StartsWith((ReadOnlySpan<byte>)[0, 0, 8, 7]) && input.AsSpan().IndexOf("PRI * HTTP/2.0"u8) >= 0;
            if (answer.Length > 0 && !isGoAway) throw new FuzzFailure("an answer is HTTP", Hex.Short(answer));
        }
        _server.ThrowIfLogged();
        if (_inputs++ % HealthEvery == 0) CheckHealth();
    }

    public override void Dispose()
    {
        _server.Dispose();
        base.Dispose();
    }

    private static void CheckFrames(byte[] bytes, Trace trace)
    {
        var parsed = ReferenceParser.Parse(bytes, masked: false);
        foreach (var frame in parsed.Frames) trace.Note(3, frame.First);
        FuzzFailure.Unless(parsed.BrokenAt is null && parsed.Frames.TrueForAll(frame => frame.IsWhole), "frames in order behind a 101");
        FuzzFailure.Unless(parsed.Frames.FindIndex(frame => frame.First == 0x88) is var close && (close < 0 || close == parsed.Frames.Count - 1), "a close frame comes last");
    }

    private void CheckHealth()
    {
        var answer = Exchange([.. Healthy, .. Grammar.Frames.Build(0x81, "hello"u8.ToArray(), [1, 2, 3, 4])], new Chunks([]), out _);
        var echoes = Split(answer) is (101, [0x81, 5, .. var text]) && text.AsSpan().StartsWith("hello"u8);
        if (!echoes) throw new FuzzFailure("the server still echoes", Encoding.Latin1.GetString(answer));
    }

    private byte[] Exchange(byte[] bytes, Chunks chunks, out bool wasReset)
    {
        wasReset = false;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = GuardMilliseconds, SendTimeout = GuardMilliseconds };
        socket.Connect(new IPEndPoint(IPAddress.Loopback, _server.Port));
        var answer = new List<byte>();
        try
        {
            for (var at = 0; at < bytes.Length;)
            {
                // Many tiny segments would only be slow: the rest goes as one.
                var length = at > 64 ? bytes.Length - at : chunks.Next(bytes.Length - at);
                socket.Send(bytes.AsSpan(at, length));
                at += length;
            }
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException e) when (e.SocketErrorCode != SocketError.TimedOut)
        {
            wasReset = true; // refused before all of it was sent; what was answered can still be read
        }
        var buffer = new byte[4096];
        try
        {
            while (socket.Receive(buffer) is > 0 and var count) answer.AddRange(buffer.AsSpan(0, count));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
        {
            wasReset = true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new FuzzFailure("the server ends the connection after its client did", $"{answer.Count} bytes came");
        }
        return [.. answer];
    }

    private static (int Status, byte[] Behind)? Split(byte[] answer)
    {
        var end = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0 || !answer.AsSpan().StartsWith("HTTP/1.1 "u8)) return null;
        return int.TryParse(answer.AsSpan(9, 3), out var status) ? (status, answer[(end + 4)..]) : null;
    }
}
