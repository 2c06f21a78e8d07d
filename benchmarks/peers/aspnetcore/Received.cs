using System.Buffers;
using System.Net.WebSockets;

namespace Sluice.Bench.AspNetCore;

/// <summary>Gathers messages in a pooled buffer that grows when one is longer, as an application would.</summary>
internal sealed class Received(WebSocket socket) : IDisposable
{
    private const int FirstSize = 4096;
    private const int Limit = 2 << 20;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstSize);

    public WebSocketMessageType Type { get; private set; }

    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <summary>False: the peer closed, or is gone.</summary>
    public async ValueTask<bool> NextAsync()
    {
        var have = 0;
        try
        {
            while (true)
            {
                var result = await socket.ReceiveAsync(_buffer.AsMemory(have), CancellationToken.None);
                if (result.MessageType == WebSocketMessageType.Close) return false;
                have += result.Count;
                if (result.EndOfMessage)
                {
                    Type = result.MessageType;
                    Payload = _buffer.AsMemory(0, have);
                    return true;
                }

                if (have == _buffer.Length && !Grow()) return false;
            }
        }
        catch (WebSocketException)
        {
            return false;
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private bool Grow()
    {
        if (_buffer.Length >= Limit) return false;
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
        return true;
    }
}
