using System.Buffers;
using System.Net.WebSockets;

namespace Sluice.Peers.DotNet;

/// <summary>A whole message.</summary>
internal sealed record Message(WebSocketMessageType Type, ReadOnlyMemory<byte> Data);

internal static class Messages
{
    private const int Limit = 64 * 1024 * 1024;
    private const int ReadSize = 16 * 1024;

    extension(WebSocket socket)
    {
        /// <summary>The next message, put together from its fragments; null when the peer's close frame came.</summary>
        public async Task<Message?> ReceiveMessageAsync(CancellationToken cancellationToken)
        {
            var data = new ArrayBufferWriter<byte>();
            while (true)
            {
                var result = await socket.ReceiveAsync(data.GetMemory(ReadSize), cancellationToken);
                if (result.MessageType == WebSocketMessageType.Close) return null;
                data.Advance(result.Count);
                if (data.WrittenCount > Limit) throw new IOException($"a message larger than {Limit} bytes came");
                if (result.EndOfMessage) return new Message(result.MessageType, data.WrittenMemory);
            }
        }
    }
}
