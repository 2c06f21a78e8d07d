using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using Sluice.Protocol;

namespace Sluice.Micro;

/// <summary>One message received and one sent on a server's connection, without a socket, against .NET's own.</summary>
[MemoryDiagnoser]
public class MessageBenchmark
{
    private byte[] _payload = [];
    private byte[] _buffer = [];
    private WebSocketConnection _receiving = null!;
    private WebSocketConnection _sending = null!;
    private WebSocket _builtIn = null!;

    [Params(64, 1024, 65536)]
    public int Length { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _payload = new byte[Length];
        _buffer = new byte[Length];
        var options = new ConnectionOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan, RunInline = true };
        _receiving = new WebSocketConnection(new EndlessTransport(Tape.Of(Length)), Role.Server, options);
        _sending = new WebSocketConnection(new EndlessTransport(null), Role.Server, options);
        _builtIn = WebSocket.CreateFromStream(new EndlessStream(Tape.Of(Length)), new WebSocketCreationOptions { IsServer = true });
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _receiving.Abort();
        _sending.Abort();
        _builtIn.Dispose();
    }

    [Benchmark]
    public async ValueTask<int> Receive()
    {
        using var message = await _receiving.ReceiveAsync();
        return message.Payload.Length;
    }

    [Benchmark]
    public async ValueTask<int> ReceiveBuiltIn()
    {
        var have = 0;
        ValueWebSocketReceiveResult result;
        do
        {
            result = await _builtIn.ReceiveAsync(_buffer.AsMemory(have), CancellationToken.None);
            have += result.Count;
        }
        while (!result.EndOfMessage);
        return have;
    }

    [Benchmark]
    public ValueTask Send() => _sending.SendAsync(_payload);

    [Benchmark]
    public ValueTask SendBuiltIn() => _builtIn.SendAsync(_payload.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, CancellationToken.None);
}
