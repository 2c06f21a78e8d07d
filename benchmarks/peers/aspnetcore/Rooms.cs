using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Threading.Channels;

namespace Sluice.Bench.AspNetCore;

/// <summary>
/// What one member sends goes to the others. A WebSocket takes one send at a time, so each member has a queue and a
/// task that empties it; who is behind by too much is cut.
/// </summary>
internal sealed class Rooms
{
    private const int Queued = 256;

    private readonly ConcurrentDictionary<string, ConcurrentDictionary<Member, bool>> _rooms = new(StringComparer.Ordinal);

    public async Task RunAsync(string name, WebSocket socket)
    {
        var members = _rooms.GetOrAdd(name, _ => new());
        var me = new Member(socket);
        members[me] = true;
        var writing = me.WriteAsync();
        using var received = new Received(socket);
        while (await received.NextAsync())
        {
            var copy = new Broadcast(received.Payload.ToArray(), received.Type);
            foreach (var (member, _) in members)
            {
                if (member == me || member.Queue.Writer.TryWrite(copy)) continue;
                member.Socket.Abort();
            }
        }

        members.TryRemove(me, out _);
        me.Queue.Writer.TryComplete();
        await writing;
    }

    private sealed record Broadcast(byte[] Payload, WebSocketMessageType Type);

    private sealed class Member(WebSocket socket)
    {
        public WebSocket Socket => socket;

        public Channel<Broadcast> Queue { get; } = Channel.CreateBounded<Broadcast>(new BoundedChannelOptions(Queued) { SingleReader = true });

        public async Task WriteAsync()
        {
            try
            {
                await foreach (var message in Queue.Reader.ReadAllAsync())
                    await socket.SendAsync(message.Payload.AsMemory(), message.Type, endOfMessage: true, CancellationToken.None);
                if (socket.State == WebSocketState.CloseReceived)
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            }
            catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The peer is gone; the receiving side sees it, too.
            }
        }
    }
}
