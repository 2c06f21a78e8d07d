using System.Net;

namespace Sluice.Client.Tests;

/// <summary>What the client makes of a 101 (RFC 6455 §4.1).</summary>
public sealed class AnswerTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Frames_in_the_same_segment_as_the_101_are_not_lost()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.OpenAsync([.. RawPeer.Text("first"), .. RawPeer.Text("second"), .. RawPeer.Close(1001, "bye")]);
        await using var connection = await connecting.Guarding();
        using var first = await connection.ReceiveAsync().Guarding();
        using var second = await connection.ReceiveAsync().Guarding();
        first.Text.ShouldBe("first");
        second.Text.ShouldBe("second");
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe(CloseCode.GoingAway);
        connection.CloseResult.Reason.ShouldBe("bye");
        peer.Dispose();
    }

    [Theory]
    [InlineData(70_000)]
    [InlineData(300)]
    public async Task A_message_that_begins_behind_the_101_may_end_much_later(int size)
    {
        var frame = RawPeer.Frame(2, [.. Enumerable.Range(0, size).Select(i => (byte)i)]);
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.OpenAsync(frame[..100]);
        await using var connection = await connecting.Guarding();
        var receiving = connection.ReceiveAsync().Guarding();
        await peer.SendAsync(frame[100..]);
        using var message = await receiving;
        message.Payload.ToArray().ShouldBe(frame[^size..]);
        connection.Abort();
    }

    [Fact]
    public async Task An_answer_that_comes_byte_by_byte_will_do()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.AcceptAsync();
        peer.Stream.Socket.NoDelay = true;
        await peer.ReadRequestAsync();
        foreach (var one in (byte[])[.. RawPeer.Bytes(peer.Answer()), .. RawPeer.Text("hello")]) await peer.SendAsync([one]);
        await using var connection = await connecting.Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("hello");
        connection.Abort();
    }

    [Fact]
    public async Task Interim_responses_are_passed_over()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + peer.Answer());
        (await connecting.Guarding()).Abort();
    }

    [Fact]
    public Task A_wrong_accept_fails() => FailsAsync(
        _ => RawPeer.Answer101("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="), "Sec-WebSocket-Accept");

    [Fact]
    public Task A_missing_accept_fails() => FailsAsync(_ => RawPeer.Answer101("Upgrade: websocket", "Connection: Upgrade"), "it is missing");

    [Fact]
    public Task An_accept_that_comes_twice_fails() => FailsAsync(peer => peer.Answer($"Sec-WebSocket-Accept: {peer.Accept()}"), "Sec-WebSocket-Accept");

    [Fact]
    public Task A_missing_upgrade_fails()
        => FailsAsync(peer => RawPeer.Answer101("Connection: Upgrade", $"Sec-WebSocket-Accept: {peer.Accept()}"), "Upgrade");

    [Fact]
    public Task Another_upgrade_fails()
        => FailsAsync(peer => RawPeer.Answer101("Upgrade: h2c", "Connection: Upgrade", $"Sec-WebSocket-Accept: {peer.Accept()}"), "h2c");

    [Fact]
    public Task A_missing_connection_header_fails()
        => FailsAsync(peer => RawPeer.Answer101("Upgrade: websocket", $"Sec-WebSocket-Accept: {peer.Accept()}"), "Connection");

    [Fact]
    public Task A_subprotocol_that_was_not_offered_fails()
        => FailsAsync(peer => peer.Answer("Sec-WebSocket-Protocol: chat.v9"), "chat.v9", new() { Subprotocols = ["chat.v1"] });

    [Fact]
    public Task An_extension_that_was_not_offered_fails()
        => FailsAsync(peer => peer.Answer("Sec-WebSocket-Extensions: permessage-deflate"), "permessage-deflate");

    [Fact]
    public async Task A_101_that_the_handler_would_decompress_fails()
    {
        using var handler = WebSocketClient.CreateHandler();
        handler.AutomaticDecompression = DecompressionMethods.GZip;
        await FailsAsync(peer => peer.Answer("Content-Encoding: gzip"), "Content-Encoding", new() { Handler = handler });
    }

    private async Task FailsAsync(Func<RawPeer, string> answer, string word, WebSocketClientOptions? options = null)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, options);
        var served = _server.AnswerAsync(answer); // ends when the client has closed the connection
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.InvalidUpgrade);
        error.Status.ShouldBe(101);
        error.Message.ShouldContain(word);
        await served;
    }
}
