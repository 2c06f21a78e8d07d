using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Sluice.AspNetCore.Tests.Support;
using Sluice.Transport.Epoll;

namespace Sluice.AspNetCore.Tests;

/// <summary>On which thread an endpoint's code runs, over a transport that calls back on a thread of its own.</summary>
public class SchedulingTests
{
    private const int Exchanges = 200;
    private const string Pool = "pool";
    private const string Loop = "loop";

    public static TheoryData<string, bool> Ways => new MatrixTheoryData<string, bool>(["handler", "calls", "request", "context"], [false, true]);

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task It_runs_on_the_thread_pool(string way, bool direct)
    {
        await using var server = await StartAsync(way, direct, options: null);
        using var peer = await server.OpenAsync();
        for (var i = 0; i < Exchanges; i++) (await AskAsync(peer)).ShouldBe(Pool);
        await CloseAsync(peer);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task It_runs_where_the_transport_calls_back_when_the_options_say_so(string way, bool direct)
    {
        var options = new WebSocketEndpointOptions { Connection = new ConnectionOptions { RunInline = true } };
        await using var server = await StartAsync(way, direct, options);
        using var peer = await server.OpenAsync();
        // What is there already when it is read goes on where the reader is, and Kestrel begins on the pool.
        for (var i = 0; await AskAsync(peer) != Loop; i++) i.ShouldBeLessThan(Exchanges);
        await CloseAsync(peer);
    }

    private static Task<RunningServer> StartAsync(string way, bool direct, WebSocketEndpointOptions? options)
        => RunningServer.StartAsync(
            app => Map(app, way, options),
            listen =>
            {
                if (direct) listen.UseDirectWebSockets();
            },
            host: host => host.UseEpollTransport(epoll => epoll.Scheduling = ContinuationScheduling.Inline));

    private static void Map(WebApplication app, string way, WebSocketEndpointOptions? options) => _ = way switch
    {
        "handler" => app.MapWebSocket("/ws", new Telling(), options),
        "calls" => app.MapWebSocket("/ws", TellAsync, options),
        "request" => app.MapWebSocket("/ws", (WebSocketRequest _) => TellAsync, options),
        _ => app.MapWebSocket("/ws", (HttpContext _, WebSocketConnection connection) => TellAsync(connection), options),
    };

    private static string Here => Thread.CurrentThread.IsThreadPoolThread ? Pool : Loop;

    private static async Task TellAsync(WebSocketConnection connection)
    {
        for (var here = Here; ; here = Here)
        {
            using var message = await connection.ReceiveAsync();
            if (message.IsClose) return;
            // Where it began counts, too.
            await connection.SendAsync(here == Pool ? Here : here);
        }
    }

    private static async Task<string> AskAsync(RawPeer peer)
    {
        await peer.SendAsync(MaskedFrame.Text("where?"));
        return (await peer.ReadFrameAsync()).Text;
    }

    private static async Task CloseAsync(RawPeer peer)
    {
        await peer.SendAsync(MaskedFrame.Close(1000));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
    }

    private sealed class Telling : IWebSocketHandler
    {
        private string _opened = Pool;

        public ValueTask OnOpenAsync(WebSocketConnection connection)
        {
            _opened = Here;
            return default;
        }

        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => connection.SendAsync(_opened == Pool ? Here : _opened);
    }
}
