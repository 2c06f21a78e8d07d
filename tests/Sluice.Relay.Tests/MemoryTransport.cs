using System.IO.Pipelines;
using Sluice.Protocol;

namespace Sluice.Relay.Tests;

/// <summary>Two connections over pipes in memory: the room's side and the member's.</summary>
internal sealed record MemoryTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe
{
    public static (WebSocketConnection Server, WebSocketConnection Client) Connect(ConnectionOptions? options = null)
    {
        var there = new Pipe();
        var back = new Pipe();
        var server = new WebSocketConnection(new MemoryTransport(there.Reader, back.Writer), Role.Server, options);
        return (server, new WebSocketConnection(new MemoryTransport(back.Reader, there.Writer), Role.Client, options));
    }
}
