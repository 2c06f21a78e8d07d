using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Sluice.Transport.Epoll.Tests.Support;

namespace Sluice.Transport.Epoll.Tests;

[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>In steady state bytes cost no memory. Runs alone, as the whole process's allocation is counted.</summary>
[Collection(nameof(Alone))]
public class AllocationTests
{
    private const int Connections = 1000;
    private const int Rounds = 100;
    private const int Size = 100;

    [Fact]
    public async Task What_one_turn_writes_to_a_thousand_connections_allocates_nothing()
    {
        var factory = Transports.Create(Kind.Inline, options => options.LoopCount = 1);
        using var end = factory as IDisposable;
        var listener = await factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0));
        var publisher = await ConnectAsync(listener);
        var members = new List<(ConnectionContext Connection, Socket Peer)>();
        for (var i = 0; i < Connections; i++) members.Add(await ConnectAsync(listener));
        PipeWriter[] outputs = [.. members.Select(member => member.Connection.Transport.Output)];
        var publishing = PublishAsync(publisher.Connection.Transport.Input, outputs, new byte[Size]);
        var buffer = new byte[Size];

        for (var i = 0; i < 20; i++) Publish();
        var least = long.MaxValue;
        // Whatever the runtime does beside once (tiered compilation, its threads) is not the bytes' cost.
        for (var i = 0; i < 5 && least >= Rounds * Connections; i++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var round = 0; round < Rounds; round++) Publish();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        publisher.Peer.Dispose();
        await publishing.Guarded();
        foreach (var (connection, peer) in members)
        {
            peer.Dispose();
            await connection.DisposeAsync();
        }
        await publisher.Connection.DisposeAsync();
        await listener.DisposeAsync();
        least.ShouldBeLessThan(Rounds * Connections, "bytes allocated by 100,000 writes");

        void Publish()
        {
            publisher.Peer.Send(buffer, 0, 1, SocketFlags.None);
            foreach (var (_, peer) in members)
            {
                for (var at = 0; at < Size;) at += peer.Receive(buffer, at, Size - at, SocketFlags.None);
            }
        }
    }

    // Blocking: a socket that waits asynchronously allocates.
    private static async Task<(ConnectionContext Connection, Socket Peer)> ConnectAsync(IConnectionListener listener)
    {
        var accept = listener.AcceptAsync();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 30_000 };
        peer.Connect(listener.EndPoint);
        return ((await accept.Guarded())!, peer);
    }

    private static async Task PublishAsync(PipeReader input, PipeWriter[] outputs, byte[] message)
    {
        while (true)
        {
            var result = await input.ReadAsync();
            if (result.IsCompleted) return;
            input.AdvanceTo(result.Buffer.End);
            foreach (var output in outputs)
            {
                message.CopyTo(output.GetSpan(message.Length));
                output.Advance(message.Length);
                var flush = output.FlushAsync();
                if (!flush.IsCompleted) throw new InvalidOperationException("so little does not wait");
            }
        }
    }
}
