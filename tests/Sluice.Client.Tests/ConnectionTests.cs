using System.Text;

namespace Sluice.Client.Tests;

/// <summary>The open connection over the real transport, against exact bytes.</summary>
public sealed class ConnectionTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task A_server_that_resets_in_the_middle_of_a_message_is_a_result_and_no_exception()
    {
        var (connection, peer) = await OpenAsync();
        var receiving = connection.ReceiveAsync().Guarding();
        await peer.SendAsync(RawPeer.Frame(2, new byte[1000])[..500]);
        peer.Reset();
        (await receiving).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        connection.CloseResult.ByPeer.ShouldBeTrue();
        connection.CloseResult.WasClean.ShouldBeFalse();
        await connection.Released.Guarding();
        await Should.ThrowAsync<WebSocketClosedException>(connection.SendAsync("too late").Guarding());
    }

    [Fact]
    public async Task A_server_that_ends_the_stream_without_a_close_frame_is_1006()
    {
        var (connection, peer) = await OpenAsync();
        peer.ShutdownSend();
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        await connection.Released.Guarding();
        await peer.ReadToEndAsync();
        peer.Dispose();
    }

    [Fact]
    public async Task Section_7_1_1_the_client_closes_and_lets_the_server_close_TCP_first()
    {
        var (connection, peer) = await OpenAsync();
        var closing = connection.CloseAsync(CloseCode.NormalClosure, "done").Guarding();
        var (opcode, _, payload) = await peer.ReadFrameAsync();
        opcode.ShouldBe(8);
        payload.ShouldBe((byte[])[3, 232, .. Encoding.UTF8.GetBytes("done")]);
        await peer.SendAsync(RawPeer.Close(1000));
        var result = await closing;
        result.WasClean.ShouldBeTrue();
        result.ByPeer.ShouldBeFalse();
        peer.IsQuiet.ShouldBeTrue("the client waits for the server's end");
        connection.Released.IsCompleted.ShouldBeFalse();
        peer.ShutdownSend();
        (await peer.ReadEndAsync()).ShouldBeTrue("no reset, nothing behind the close frame");
        await connection.Released.Guarding();
        peer.Dispose();
    }

    [Fact]
    public async Task Section_5_5_1_the_server_closes_and_gets_its_code_back()
    {
        var (connection, peer) = await OpenAsync();
        await peer.SendAsync(RawPeer.Close(4001, "enough"));
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        var (opcode, _, payload) = await peer.ReadFrameAsync();
        opcode.ShouldBe(8);
        payload.ShouldBe([0x0F, 0xA1]);
        connection.CloseResult!.Code.ShouldBe((CloseCode)4001);
        connection.CloseResult.Reason.ShouldBe("enough");
        connection.CloseResult.ByPeer.ShouldBeTrue();
        connection.CloseResult.WasClean.ShouldBeTrue();
        peer.ShutdownSend();
        (await peer.ReadEndAsync()).ShouldBeTrue();
        await connection.Released.Guarding();
        peer.Dispose();
    }

    [Fact]
    public async Task A_close_frame_and_the_end_in_one_segment_are_a_clean_close()
    {
        var (connection, peer) = await OpenAsync();
        await peer.SendAsync(RawPeer.Close(1000));
        peer.ShutdownSend();
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.WasClean.ShouldBeTrue();
        (await peer.ReadFrameAsync()).Opcode.ShouldBe(8);
        (await peer.ReadEndAsync()).ShouldBeTrue();
        await connection.Released.Guarding();
        peer.Dispose();
    }

    [Fact]
    public async Task Section_5_1_a_masked_frame_from_a_server_fails_the_connection_with_1002()
    {
        var (connection, peer) = await OpenAsync();
        await peer.SendAsync([0x81, 0x81, 0, 0, 0, 0, 0x41]);
        var (opcode, _, payload) = await peer.ReadFrameAsync();
        opcode.ShouldBe(8);
        payload[..2].ShouldBe([0x03, 0xEA]);
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.ProtocolError);
        peer.Dispose();
        await connection.Released.Guarding();
    }

    [Fact]
    public async Task Fragments_with_a_ping_between_are_one_message()
    {
        var (connection, peer) = await OpenAsync();
        var receiving = connection.ReceiveAsync().Guarding();
        await peer.SendAsync(RawPeer.Frame(1, [0x48], fin: false));
        await peer.SendAsync(RawPeer.Frame(9, [1, 2, 3]));
        var (opcode, _, payload) = await peer.ReadFrameAsync();
        opcode.ShouldBe(10);
        payload.ShouldBe([1, 2, 3]);
        await peer.SendAsync(RawPeer.Frame(0, [0x69], fin: true));
        using var message = await receiving;
        message.Text.ShouldBe("Hi");
        connection.Abort();
        peer.Dispose();
    }

    [Fact]
    public async Task A_streamed_message_leaves_in_fragments()
    {
        var (connection, peer) = await OpenAsync();
        await using (var writer = await connection.OpenMessageAsync(MessageType.Binary).Guarding())
        {
            await writer.WriteAsync(new byte[] { 1, 2 }).Guarding();
            await writer.WriteAsync(new byte[] { 3 }).Guarding();
        }
        var payloads = new List<byte>();
        bool fin;
        do
        {
            (var opcode, fin, var payload) = await peer.ReadFrameAsync();
            opcode.ShouldBe(payloads.Count == 0 ? 2 : 0);
            payloads.AddRange(payload);
        }
        while (!fin);
        payloads.ShouldBe([1, 2, 3]);
        connection.Abort();
        peer.Dispose();
    }

    [Fact]
    public async Task Abort_closes_the_socket_at_once_and_ends_what_is_pending()
    {
        var (connection, peer) = await OpenAsync();
        var receiving = connection.ReceiveAsync().Guarding();
        var ping = connection.PingAsync().Guarding();
        connection.Abort();
        (await receiving).IsClose.ShouldBeTrue();
        await Should.ThrowAsync<WebSocketClosedException>(ping);
        await connection.Released.Guarding();
        connection.CloseResult!.Code.ShouldBe(CloseCode.AbnormalClosure);
        connection.CloseResult.ByPeer.ShouldBeFalse();
        await peer.ReadToEndAsync();
        connection.Abort(); // once more does no harm
        peer.Dispose();
    }

    [Fact]
    public async Task Abort_while_the_server_does_not_read_ends_every_send()
    {
        var (connection, peer) = await OpenAsync();
        var sends = Enumerable.Range(0, 200).Select(_ => connection.SendAsync(new byte[256 * 1024]).AsTask()).ToArray();
        sends[^1].IsCompleted.ShouldBeFalse("50 MiB do not fit into the socket");
        connection.Abort();
        foreach (var send in sends)
        {
            try
            {
                await send.Guarding();
            }
            catch (WebSocketClosedException)
            {
            }
        }
        await connection.Released.Guarding();
        await peer.ReadToEndAsync();
        peer.Dispose();
    }

    [Fact]
    public async Task A_reset_while_sends_wait_ends_every_send()
    {
        var (connection, peer) = await OpenAsync();
        var sends = Enumerable.Range(0, 200).Select(_ => connection.SendAsync(new byte[256 * 1024]).AsTask()).ToArray();
        peer.Reset();
        foreach (var send in sends)
        {
            try
            {
                await send.Guarding();
            }
            catch (WebSocketClosedException)
            {
            }
        }
        (await connection.Closed.Guarding()).Code.ShouldBe(CloseCode.AbnormalClosure);
        await connection.Released.Guarding();
    }

    [Fact]
    public async Task Dispose_of_a_handler_leaves_open_connections_alone()
    {
        using var handler = WebSocketClient.CreateHandler();
        var (connection, peer) = await OpenAsync(new() { Handler = handler });
        handler.Dispose();
        await peer.SendAsync(RawPeer.Text("open"));
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("open");
        connection.Abort();
        peer.Dispose();
    }

    private async Task<(WebSocketConnection Connection, RawPeer Peer)> OpenAsync(WebSocketClientOptions? options = null)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, options);
        var peer = await _server.OpenAsync();
        return (await connecting.Guarding(), peer);
    }
}
