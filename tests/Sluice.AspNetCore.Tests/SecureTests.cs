using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

public class SecureTests
{
    [Fact]
    public async Task It_works_behind_tls()
    {
        await using var server = await StartAsync();
        using var peer = await OpenAsync(server);
        foreach (var size in new[] { 1, 125, 126, 65536, 1024 * 1024 })
        {
            await peer.SendAsync(MaskedFrame.Binary(new byte[size]));
            (await peer.ReadFrameAsync()).Payload.Length.ShouldBe(size);
        }
        await peer.SendAsync(MaskedFrame.Close(1000));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        await peer.ShouldEndAsync();
        (await server.Log.WaitForAsync("Opened"))[0].Message.ShouldContain("over HTTP/1.1");
    }

    [Fact]
    public async Task Section_10_2_a_page_of_the_same_origin_may_connect_behind_tls()
    {
        await using var server = await StartAsync();
        using var peer = await server.ConnectAsync();
        await peer.SecureAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Origin", $"https://127.0.0.1:{server.Port}")));
        (await peer.ReadResponseAsync()).Status.ShouldBe(101);
    }

    [Fact]
    public async Task Section_7_1_7_the_close_frame_arrives_behind_tls_though_megabytes_follow_the_violation()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 20; i++)
        {
            using var peer = await OpenAsync(server);
            await peer.SendAsync(MaskedFrame.Of(0xc1, "x"u8.ToArray()));
            for (var n = 0; n < 3; n++) await peer.SendAsync(MaskedFrame.Binary(new byte[1024 * 1024]));
            (await peer.ReadCloseAsync()).Code.ShouldBe(1002);
            await peer.SendAsync(MaskedFrame.Close(1002));
            await peer.ShouldEndAsync();
        }
    }

    [Theory]
    [InlineData("FIN")]
    [InlineData("RST")]
    public async Task A_client_that_vanishes_behind_tls_is_one_line_in_the_log(string how)
    {
        await using var server = await StartAsync();
        using var peer = await OpenAsync(server);
        await peer.SendAsync(MaskedFrame.Text("ready"));
        (await peer.ReadFrameAsync()).Text.ShouldBe("ready");
        if (how == "FIN") peer.HalfClose();
        else peer.Reset();
        (await server.Log.WaitForAsync("ClosedAbnormally")).ShouldHaveSingleItem().Message.ShouldContain("1006");
        server.Log.OfSluice.ShouldHaveSingleItem();
    }

    private static Task<RunningServer> StartAsync() => RunningServer.StartAsync(
        app => app.MapWebSocket("/ws", Echo.Handler),
        listen: options =>
        {
            options.Protocols = HttpProtocols.Http1AndHttp2;
            options.UseHttps(TestCertificate.Instance);
        });

    private static async Task<RawPeer> OpenAsync(RunningServer server)
    {
        var peer = await server.ConnectAsync();
        await peer.SecureAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws"));
        (await peer.ReadResponseAsync()).Status.ShouldBe(101);
        return peer;
    }
}
