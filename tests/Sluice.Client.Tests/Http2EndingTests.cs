using System.Net;
using System.Net.Sockets;

namespace Sluice.Client.Tests;

/// <summary>How a WebSocket over HTTP/2 ends, and what its stream's end does to it (RFC 8441 §5), and to its connection.</summary>
public sealed class Http2EndingTests(KestrelServer server) : IClassFixture<KestrelServer>
{
    [Theory]
    [MemberData(nameof(Http2Tests.Servers), MemberType = typeof(Http2Tests))]
    public async Task A_close_from_there_is_answered(string path, bool secure)
    {
        var connection = await server.ConnectHttp2Async(path, secure);
        await connection.SendAsync("close").Guarding();
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe((CloseCode)4001);
        connection.CloseResult.WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
    }

    [Fact]
    public async Task RFC_8441_5_a_reset_of_the_stream_is_an_abnormal_closure_with_its_error_code()
    {
        await using var connection = await server.ConnectHttp2Async("/sluice", secure: true);
        connection.TrySend(MessageType.Text, "abort"u8.ToArray()).ShouldBeTrue(); // awaited, it might meet the reset
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        connection.CloseResult.WasClean.ShouldBeFalse();
        connection.CloseResult.Reason.ShouldContain("CANCEL");
        connection.CloseResult.Error.ShouldBeOfType<HttpProtocolException>().ErrorCode.ShouldBe(0x8);
    }

    [Fact]
    public async Task RFC_8441_5_an_abort_resets_the_stream_with_CANCEL()
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", server.Http2Options(HttpVersionPolicy.RequestVersionExact));
        using var peer = new RawHttp2Peer(await raw.AcceptAsync());
        await peer.OpenAsync();
        var connection = await connecting.Guarding();
        connection.Abort();
        (await connection.Closed.Guarding()).Code.ShouldBe(CloseCode.AbnormalClosure);
        var reset = await peer.ReadAsync(RawHttp2Peer.ResetStream);
        reset.Stream.ShouldBe(1);
        reset.Payload.ShouldBe([0, 0, 0, 8]); // CANCEL, RFC 9113 §7
        await peer.ReadToEndAsync();
    }

    [Theory]
    [InlineData(0x8, "CANCEL")]
    [InlineData(0x2, "INTERNAL_ERROR")]
    [InlineData(0x0, "NO_ERROR")]
    public async Task Whatever_error_code_a_reset_has_the_closure_is_abnormal(byte code, string name)
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", server.Http2Options(HttpVersionPolicy.RequestVersionExact));
        using var peer = new RawHttp2Peer(await raw.AcceptAsync());
        await peer.OpenAsync();
        await using var connection = await connecting.Guarding();
        await peer.SendAsync(RawHttp2Peer.ResetStream, 0, 1, [0, 0, 0, code]);
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        connection.CloseResult.Reason.ShouldContain(name);
    }

    [Fact]
    public async Task An_end_of_the_stream_without_a_close_frame_is_an_abnormal_closure()
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", server.Http2Options(HttpVersionPolicy.RequestVersionExact));
        using var peer = new RawHttp2Peer(await raw.AcceptAsync());
        await peer.OpenAsync();
        await using var connection = await connecting.Guarding();
        await peer.SendAsync(RawHttp2Peer.Data, RawHttp2Peer.EndStream, 1, RawPeer.Text("last words"));
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("last words");
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
    }

    [Fact]
    public async Task An_abort_leaves_the_other_streams_of_a_connection_alone()
    {
        using var handler = server.CreateSharedHandler();
        var options = server.Http2Options(handler: handler);
        await using var other = await WebSocketClient.ConnectAsync(server.SecureUrl + "/echo", options).Guarding();
        var connection = await WebSocketClient.ConnectAsync(server.SecureUrl + "/abort", options).Guarding();
        connection.Abort();
        (await connection.Closed.Guarding()).Code.ShouldBe(CloseCode.AbnormalClosure);
        await server.Aborted.Task.Guarding();
        await other.SendAsync("still here").Guarding();
        using var message = await other.ReceiveAsync().Guarding();
        message.Text.ShouldBe("still here");
    }

    [Fact]
    public async Task The_connection_of_one_WebSocket_ends_with_it()
    {
        using var raw = new RawServer();
        var url = new Uri(server.Http2Url);
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/echo", server.Http2Options(HttpVersionPolicy.RequestVersionExact));
        using var client = await raw.AcceptAsync();
        using var backend = new TcpClient();
        await backend.ConnectAsync(url.Host, url.Port);
        var back = backend.GetStream().CopyToAsync(client.Stream);
        var there = client.Stream.CopyToAsync(backend.GetStream());
        var connection = await connecting.Guarding();
        (await connection.CloseAsync().Guarding()).WasClean.ShouldBeTrue();
        await there.Guarding(); // the client has closed
        backend.Client.Shutdown(SocketShutdown.Send);
        await back.Guarding();
    }

    [Fact]
    public async Task A_caller_who_gives_up_leaves_no_connection_behind()
    {
        using var raw = new RawServer();
        using var cancel = new CancellationTokenSource();
        var connecting = WebSocketClient.ConnectAsync($"ws://127.0.0.1:{raw.Port}/", server.Http2Options(HttpVersionPolicy.RequestVersionExact), cancel.Token);
        using var peer = await raw.AcceptAsync();
        await peer.Stream.ReadExactlyAsync(new byte[24]).Guarding();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(connecting.Guarding());
        await peer.ReadToEndAsync();
    }
}
