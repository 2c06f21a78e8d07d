using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

public class ClosingTests
{
    private const int Repetitions = 100;

    [Fact]
    public async Task Section_7_1_1_the_server_closes_tcp_while_the_handler_still_runs()
    {
        var finish = new TaskCompletionSource();
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", _ => finish.Task));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Close(1000));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        await peer.ShouldEndAsync();
        finish.SetResult();
        await server.Log.WaitForAsync("Closed");
    }

    [Fact]
    public async Task Section_7_1_1_the_server_closes_tcp_after_its_own_close_while_the_handler_still_runs()
    {
        var finish = new TaskCompletionSource();
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", async connection =>
        {
            await connection.CloseAsync((CloseCode)4000, "first");
            await finish.Task;
        }));
        using var peer = await server.OpenAsync();
        (await peer.ReadCloseAsync()).ShouldBe((4000, "first"));
        await peer.SendAsync(MaskedFrame.Close(4000));
        await peer.ShouldEndAsync();
        finish.SetResult();
    }

    [Fact]
    public async Task RequestAborted_tells_a_handler_that_the_connection_is_gone()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket(
            "/ws", (context, _) => context.RequestAborted.UntilCanceled()));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Close(1000));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        await peer.ShouldEndAsync();
        await server.Log.WaitForAsync("Closed");
        server.Log.OfSluice.ShouldHaveSingleItem();
    }

    public static TheoryData<string, int, byte[]> Violations => new()
    {
        { "a reserved bit", 1002, MaskedFrame.Of(0xc1, "x"u8.ToArray()) },
        { "a reserved opcode", 1002, MaskedFrame.Of(0x83, []) },
        { "a message of 1 MiB and one byte", 1009, MaskedFrame.Binary(new byte[(1024 * 1024) + 1]) },
        { "text that is not UTF-8", 1007, MaskedFrame.Of(0x81, [0xff]) },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task Section_7_1_7_the_close_frame_arrives_though_megabytes_follow_the_violation(string what, int code, byte[] violation)
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        var behind = MaskedFrame.Binary(new byte[1024 * 1024]);
        for (var i = 0; i < Repetitions; i++)
        {
            using var peer = await server.OpenAsync();
            await peer.SendAsync(violation);
            for (var n = 0; n < 3; n++) await peer.SendAsync(behind);
            (await peer.ReadCloseAsync()).Code.ShouldBe(code, what);
            await peer.SendAsync(MaskedFrame.Close(code));
            await peer.ShouldEndAsync();
        }
        await server.Log.WaitForAsync("ClosedAbnormally", Repetitions);
        server.Log.OfSluice.Count().ShouldBe(Repetitions);
        server.Log.OfSluice.ShouldAllBe(line => line.Level == LogLevel.Information);
    }

    [Fact]
    public async Task Section_7_1_7_a_client_that_only_ends_its_side_gets_the_close_frame()
    {
        // Without UseHalfClose Kestrel takes the end of the client's side for the end of the connection: what is still in the server's
        // pipe by then is lost, the close frame too.
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler), listen => listen.UseHalfClose());
        for (var i = 0; i < Repetitions; i++)
        {
            using var peer = await server.OpenAsync();
            await peer.SendAsync(MaskedFrame.Of(0xc1, "x"u8.ToArray()));
            for (var n = 0; n < 3; n++) await peer.SendAsync(MaskedFrame.Binary(new byte[1024 * 1024]));
            peer.HalfClose();
            (await peer.ReadCloseAsync()).Code.ShouldBe(1002);
            await peer.ShouldEndAsync();
        }
    }

    [Fact]
    public async Task Section_7_1_7_a_client_that_answers_nothing_gets_the_close_frame_and_an_end_without_a_reset()
    {
        var options = new WebSocketEndpointOptions { Connection = new ConnectionOptions { LingerTimeout = TimeSpan.FromMilliseconds(50) } };
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler, options));
        for (var i = 0; i < 10; i++)
        {
            using var peer = await server.OpenAsync();
            await peer.SendAsync(MaskedFrame.Of(0xc1, "x"u8.ToArray()));
            (await peer.ReadCloseAsync()).Code.ShouldBe(1002);
            await peer.ShouldEndAsync();
        }
    }

    [Fact]
    public async Task A_peer_that_closes_and_never_reads_does_not_keep_its_socket()
    {
        // What waits for it is more than the sockets' buffers hold, but all of it fits into the server's: for the connection it has
        // been sent. From here on it is Kestrel's, whose MinResponseDataRate bounds it.
        const int Waiting = 20 * 1024 * 1024;
        var stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket(
                "/ws",
                async connection =>
                {
                    await connection.SendAsync(new byte[Waiting]);
                    stuck.SetResult();
                    (await connection.ReceiveAsync()).IsClose.ShouldBeTrue();
                }),
            limits: limits => limits.MinResponseDataRate = new MinDataRate(240, TimeSpan.FromMilliseconds(1001)),
            services: services => services.Configure<SocketTransportOptions>(sockets => sockets.MaxWriteBufferSize = 2 * Waiting));
        using var peer = await RawPeer.ConnectAsync(server.Port, receiveBuffer: 4096);
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws"));
        await stuck.Task.WaitAsync(RawPeer.Guard);
        await peer.SendAsync(MaskedFrame.Close(1000));
        await server.Log.WaitForAsync("Closed");
        // Without a read or a write of ours, so that nothing but a clock of the server's can end it.
        (await Task.Run(() => peer.Socket.Poll(RawPeer.Guard, SelectMode.SelectError))).ShouldBeTrue();
    }

    [Fact]
    public async Task Section_5_5_1_data_behind_the_close_frame_does_not_cost_the_answer()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        byte[] burst = [.. MaskedFrame.Text("last words"), .. MaskedFrame.Close(1000), .. MaskedFrame.Binary(new byte[64 * 1024])];
        for (var i = 0; i < Repetitions; i++)
        {
            using var peer = await server.OpenAsync();
            await peer.SendAsync(burst);
            (await peer.ReadFrameAsync()).Text.ShouldBe("last words");
            (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        }
    }

    [Fact]
    public async Task Section_5_5_1_megabytes_behind_the_close_frame_do_not_cost_the_answers()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        byte[] burst = [.. MaskedFrame.Binary(new byte[512 * 1024]), .. MaskedFrame.Close(1000), .. MaskedFrame.Binary(new byte[3 * 1024 * 1024])];
        for (var i = 0; i < 20; i++)
        {
            using var peer = await server.OpenAsync();
            var sending = peer.SendAsync(burst);
            (await peer.ReadFrameAsync()).Payload.Length.ShouldBe(512 * 1024);
            (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
            await sending.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    [Fact]
    public async Task A_message_of_the_largest_size_is_echoed_before_the_close_frame()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        var message = MaskedFrame.Binary(new byte[1024 * 1024]);
        for (var i = 0; i < 10; i++)
        {
            using var peer = await server.OpenAsync();
            await peer.SendAsync([.. message, .. MaskedFrame.Close(1000)]);
            (await peer.ReadFrameAsync()).Payload.Length.ShouldBe(1024 * 1024);
            (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
            await peer.ShouldEndAsync();
        }
    }
}
