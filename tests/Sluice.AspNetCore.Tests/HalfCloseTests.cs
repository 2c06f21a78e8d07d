using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

/// <summary>Clients that end their sending side right behind what they sent, and wait for the answers.</summary>
public class HalfCloseTests
{
    private const int Repetitions = 50;
    private const int Large = 500_000;

    public static TheoryData<bool, bool> Ways => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Everything_is_answered_though_the_client_has_ended_its_side(bool tls, bool byCalls)
    {
        await using var server = await StartAsync(tls, byCalls);
        for (var i = 0; i < Repetitions; i++)
        {
            using var peer = await ConnectAsync(server, tls);
            await peer.SendAsync([.. Request(server), .. MaskedFrame.Text("hello"), .. MaskedFrame.Close(1000)]);
            peer.HalfClose();
            (await peer.ReadResponseHeadAsync()).Status.ShouldBe(101);
            (await peer.ReadFrameAsync()).Text.ShouldBe("hello");
            (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
            await peer.ShouldEndAsync();
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Large_answers_arrive_whole(bool tls, bool byCalls)
    {
        await using var server = await StartAsync(tls, byCalls);
        using var peer = await ConnectAsync(server, tls);
        await peer.SendAsync(Request(server));
        (await peer.ReadResponseHeadAsync()).Status.ShouldBe(101);
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < 4; i++) await peer.SendAsync(MaskedFrame.Binary(new byte[Large]));
            await peer.SendAsync(MaskedFrame.Close(1000));
            peer.HalfClose();
        });
        for (var i = 0; i < 4; i++) (await peer.ReadFrameAsync()).Payload.Length.ShouldBe(Large);
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        await peer.ShouldEndAsync();
        await sending;
    }

    [Fact]
    public async Task Without_a_close_frame_what_was_owed_leaves_and_the_connection_ends()
    {
        await using var server = await StartAsync(tls: false, byCalls: false);
        using var peer = await ConnectAsync(server, tls: false);
        await peer.SendAsync([.. Request(server), .. MaskedFrame.Binary(new byte[Large])]);
        peer.HalfClose();
        (await peer.ReadResponseHeadAsync()).Status.ShouldBe(101);
        (await peer.ReadFrameAsync()).Payload.Length.ShouldBe(Large);
        await peer.ShouldEndAsync();
        await server.Log.WaitForAsync("ClosedAbnormally");
    }

    [Fact]
    public async Task A_handler_that_waits_for_RequestAborted_goes_on_when_the_connection_has_ended()
    {
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/ws", (context, _) => context.RequestAborted.UntilCanceled()), listen => listen.UseHalfClose());
        using var peer = await server.OpenAsync();
        peer.HalfClose();
        await peer.ShouldEndAsync();
        await server.Log.WaitForAsync("ClosedAbnormally");
    }

    [Fact]
    public async Task A_refused_handshake_is_answered_too()
    {
        await using var server = await StartAsync(tls: false, byCalls: false);
        for (var i = 0; i < Repetitions; i++)
        {
            using var peer = await server.ConnectAsync();
            await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Sec-WebSocket-Version", "12")));
            peer.HalfClose();
            (await peer.ReadResponseAsync()).Status.ShouldBe(426);
            await peer.ShouldEndAsync();
        }
    }

    [Fact]
    public async Task A_request_that_is_no_WebSocket_is_aborted()
    {
        var aborted = new TaskCompletionSource();
        await using var server = await RunningServer.StartAsync(
            app => app.MapGet("/wait", (RequestDelegate)(async context =>
            {
                context.RequestAborted.Register(aborted.SetResult);
                await aborted.Task;
            })),
            listen => listen.UseHalfClose());
        using var peer = await server.ConnectAsync();
        await peer.SendAsync($"GET /wait HTTP/1.1\r\nHost: 127.0.0.1:{server.Port}\r\n\r\n");
        peer.HalfClose();
        await aborted.Task.WaitAsync(RawPeer.Guard);
        await peer.ReadToAnyEndAsync();
    }

    [Fact]
    public async Task A_reset_ends_the_connection()
    {
        await using var server = await StartAsync(tls: false, byCalls: true);
        var peer = await server.OpenAsync();
        peer.Reset();
        await server.Log.WaitForAsync("ClosedAbnormally");
    }

    [Fact]
    public void A_listener_must_be_given() => Should.Throw<ArgumentNullException>(() => HalfClose.UseHalfClose(null!));

    private static byte[] Request(RunningServer server) => System.Text.Encoding.ASCII.GetBytes(Handshakes.Request(server.Port, "/ws"));

    private static async Task<RawPeer> ConnectAsync(RunningServer server, bool tls)
    {
        var peer = await server.ConnectAsync();
        if (tls) await peer.SecureAsync();
        return peer;
    }

    private static Task<RunningServer> StartAsync(bool tls, bool byCalls) => RunningServer.StartAsync(
        app =>
        {
            if (byCalls) app.MapWebSocket("/ws", EchoByCallsAsync);
            else app.MapWebSocket("/ws", Echo.Handler);
        },
        listen =>
        {
            if (tls) listen.UseHttps(TestCertificate.Instance);
            listen.UseHalfClose();
        });

    private static async Task EchoByCallsAsync(WebSocketConnection connection)
    {
        await foreach (var message in connection.ReadAllAsync()) await connection.SendAsync(message.Type, message.Payload);
    }
}
