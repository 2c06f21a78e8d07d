using System.Threading.Channels;

namespace Sluice.Client.Tests;

/// <summary>The client that connects again.</summary>
public sealed class ReconnectTests : IDisposable
{
    private static readonly ReconnectOptions Soon = new() { FirstDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(20) };

    private readonly RawServer _server = new();
    private readonly Channel<string> _events = Channel.CreateUnbounded<string>();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task After_a_loss_it_connects_again_and_sends_its_first_messages_first()
    {
        await using var client = Create();
        client.OnConnected = async connection => await connection.SendAsync("subscribe");
        var connecting = client.ConnectAsync();
        using (var first = await _server.OpenAsync())
        {
            await connecting.Guarding();
            await ReadAsync(first, "subscribe");
            first.Reset();
        }
        (await NextAsync()).ShouldStartWith("disconnected 1006");
        var waiting = Enumerable.Range(0, 3).Select(i => client.SendAsync($"later {i}").AsTask()).ToArray();
        using var second = await _server.OpenAsync();
        await ReadAsync(second, "subscribe");
        await second.SendAsync(RawPeer.Text("news"));
        var came = new List<string>();
        for (var i = 0; i < waiting.Length; i++) came.Add(System.Text.Encoding.UTF8.GetString((await second.ReadFrameAsync()).Payload));
        came.ShouldAllBe(text => text.StartsWith("later"));
        await Task.WhenAll(waiting).Guarding();
        (await NextAsync()).ShouldBe("reconnecting 1 after 1006");
        (await NextAsync()).ShouldBe("text news");
        await CloseAsync(client, second);
    }

    [Theory]
    [InlineData(1001)]
    [InlineData(1012)]
    [InlineData(1013)]
    public async Task A_server_that_goes_away_is_asked_again(int code)
    {
        await using var client = Create();
        var connecting = client.ConnectAsync();
        using (var first = await _server.OpenAsync(RawPeer.Close(code)))
        {
            first.ShutdownSend();
            await connecting.Guarding();
            await first.ReadToEndAsync();
        }
        using var second = await _server.OpenAsync();
        (await NextAsync()).ShouldBe($"disconnected {code}, 0 of 0 in doubt");
        (await NextAsync()).ShouldBe($"reconnecting 1 after {code}");
        await CloseAsync(client, second);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1008)]
    [InlineData(4001)]
    public async Task A_server_that_is_done_is_not_asked_again(int code)
    {
        await using var client = Create();
        var connecting = client.ConnectAsync();
        using var peer = await _server.OpenAsync(RawPeer.Close(code));
        peer.ShutdownSend();
        await connecting.Guarding();
        var result = await client.Completion.Guarding();
        result!.Code.ShouldBe((CloseCode)code);
        (await NextAsync()).ShouldStartWith("disconnected");
        var late = await Should.ThrowAsync<WebSocketClosedException>(client.SendAsync("late").Guarding());
        late.Result.ShouldBe(result);
        _server.HasPending.ShouldBeFalse();
    }

    [Fact]
    public async Task Refusals_that_may_pass_are_tried_again_and_others_end_it()
    {
        await using var client = Create();
        var connecting = client.ConnectAsync();
        await _server.AnswerAsync(_ => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        (await NextAsync()).ShouldBe("reconnecting 1 after 503");
        using (var peer = await _server.AcceptAsync()) await peer.ReadRequestAsync(); // hangs up
        (await NextAsync()).ShouldBe("reconnecting 2 after ConnectionLost");
        await _server.AnswerAsync(_ => "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Status.ShouldBe(401);
        (await Should.ThrowAsync<HandshakeException>(client.Completion.Guarding())).ShouldBe(error);
    }

    [Fact]
    public async Task It_gives_up_after_so_many_attempts()
    {
        await using var client = Create(Soon with { MaxAttempts = 2 });
        var connecting = client.ConnectAsync();
        for (var i = 0; i < 3; i++) await _server.AnswerAsync(_ => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        _server.HasPending.ShouldBeFalse();
    }

    [Fact]
    public async Task What_the_peer_may_not_have_read_is_counted_and_never_sent_again()
    {
        await using var client = Create();
        var connecting = client.ConnectAsync();
        using (var first = await _server.OpenAsync())
        {
            await connecting.Guarding();
            await client.SendAsync("certain").Guarding();
            var confirming = client.ConfirmAsync();
            await ReadAsync(first, "certain");
            var (opcode, _, payload) = await first.ReadFrameAsync();
            opcode.ShouldBe(9);
            await first.SendAsync(RawPeer.Frame(10, payload));
            await confirming.Guarding();
            await client.SendAsync("in doubt 1").Guarding();
            client.TrySend(MessageType.Text, "in doubt 2"u8.ToArray()).ShouldBeTrue();
            first.Reset();
        }
        using var second = await _server.OpenAsync();
        (await NextAsync()).ShouldBe("disconnected 1006, 2 of 3 in doubt");
        await client.SendAsync("fresh").Guarding();
        await ReadAsync(second, "fresh"); // and nothing before it
        await CloseAsync(client, second);
        (await NextAsync()).ShouldStartWith("reconnecting");
        (await NextAsync()).ShouldBe("disconnected 1000, 0 of 1 in doubt"); // the close frame was answered
    }

    [Fact]
    public async Task A_message_that_is_being_handed_over_when_the_connection_ends_throws()
    {
        await using var client = Create();
        var connecting = client.ConnectAsync();
        using var first = await _server.OpenAsync();
        await connecting.Guarding();
        // More than the kernel takes from a peer that does not read.
        var sending = client.SendAsync(new byte[12 * 1024 * 1024]).AsTask();
        await first.Stream.ReadExactlyAsync(new byte[100]).Guarding();
        first.Reset();
        var error = await Should.ThrowAsync<DeliveryUnknownException>(sending.Guarding());
        error.Message.ShouldContain("may have come to the peer or not");
        (await NextAsync()).ShouldBe("disconnected 1006, 0 of 0 in doubt");
        using var second = await _server.OpenAsync();
        await client.SendAsync("fresh").Guarding();
        await ReadAsync(second, "fresh");
        await CloseAsync(client, second);
    }

    [Fact]
    public async Task Only_so_many_messages_wait()
    {
        await using var client = Create(Soon with { MaxWaiting = 2 });
        using var cancel = new CancellationTokenSource();
        var waiting = new[] { client.SendAsync("1", cancel.Token).AsTask(), client.SendAsync("2", cancel.Token).AsTask() };
        var error = await Should.ThrowAsync<InvalidOperationException>(client.SendAsync("3").Guarding());
        error.Message.ShouldContain("MaxWaiting");
        client.TrySend(MessageType.Text, new byte[1]).ShouldBeFalse();
        await cancel.CancelAsync();
        foreach (var one in waiting) await Should.ThrowAsync<OperationCanceledException>(one.Guarding());
        var connecting = client.ConnectAsync();
        using var peer = await _server.OpenAsync();
        await connecting.Guarding();
        await client.SendAsync("4").Guarding(); // the places of the cancelled are free
        await ReadAsync(peer, "4");
        await CloseAsync(client, peer);
    }

    [Fact]
    public async Task Each_attempt_may_have_options_of_its_own()
    {
        await using var client = Create();
        var token = 0;
        client.OnConnecting = (options, _) => ValueTask.FromResult(options with { Authorization = Authorization.Bearer($"{++token}") });
        var connecting = client.ConnectAsync();
        using (var first = await _server.OpenAsync())
        {
            first.Values("Authorization").ShouldBe(["Bearer 1"]);
            await connecting.Guarding();
            first.Reset();
        }
        using var second = await _server.OpenAsync();
        second.Values("Authorization").ShouldBe(["Bearer 2"]);
        await CloseAsync(client, second);
    }

    [Fact]
    public async Task Closing_ends_a_wait_for_the_next_attempt_and_those_who_wait_to_send()
    {
        await using var client = Create(Soon with { FirstDelay = TimeSpan.FromDays(1), MaxDelay = TimeSpan.FromDays(1) });
        var connecting = client.ConnectAsync();
        await _server.AnswerAsync(_ => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        await NextAsync();
        var sending = client.SendAsync("never").AsTask();
        (await client.CloseAsync().Guarding()).ShouldBeNull();
        (await client.Completion.Guarding()).ShouldBeNull();
        await Should.ThrowAsync<OperationCanceledException>(connecting.Guarding());
        await Should.ThrowAsync<WebSocketClosedException>(sending.Guarding());
    }

    [Fact]
    public async Task A_callers_token_ends_the_first_attempts()
    {
        await using var client = Create();
        using var cancel = new CancellationTokenSource();
        var connecting = client.ConnectAsync(cancel.Token);
        using var peer = await _server.AcceptAsync();
        await cancel.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(connecting.Guarding())).CancellationToken.ShouldBe(cancel.Token);
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task A_callback_that_answers_over_a_lost_connection_does_not_end_the_client()
    {
        await using var client = Create();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.OnTextMessage = async _ =>
        {
            var connection = client.Connection!;
            entered.TrySetResult();
            connection.Abort();
            await connection.Closed;
            lost.TrySetResult();
            await client.SendAsync("answer");
        };
        var connecting = client.ConnectAsync();
        using (await _server.OpenAsync(RawPeer.Text("question")))
        {
            await connecting.Guarding();
            await lost.Task.Guarding();
        }
        using var second = await _server.OpenAsync();
        await client.SendAsync("fresh").Guarding();
        await ReadAsync(second, "fresh");
        await CloseAsync(client, second);
    }

    [Fact]
    public async Task A_callback_that_fails_ends_the_client()
    {
        await using var client = Create();
        client.OnTextMessage = _ => throw new InvalidOperationException("mine");
        var connecting = client.ConnectAsync();
        using var peer = await _server.OpenAsync(RawPeer.Text("x"));
        await connecting.Guarding();
        (await peer.ReadFrameAsync()).Payload[..2].ShouldBe([0x03, 0xF3]); // 1011
        peer.Dispose();
        (await Should.ThrowAsync<InvalidOperationException>(client.Completion.Guarding())).Message.ShouldBe("mine");
    }

    private static async Task ReadAsync(RawPeer peer, string text)
        => System.Text.Encoding.UTF8.GetString((await peer.ReadFrameAsync()).Payload).ShouldBe(text);

    private static async Task CloseAsync(ReconnectingWebSocketClient client, RawPeer peer)
    {
        // The connection may be open at the peer a moment before it is here.
        while (client.Connection is null) await Task.Yield();
        var closing = client.CloseAsync();
        (await peer.ReadFrameAsync()).Opcode.ShouldBe(8);
        await peer.SendAsync(RawPeer.Close(1000));
        peer.ShutdownSend();
        (await closing.Guarding())!.WasClean.ShouldBeTrue();
        (await client.Completion.Guarding())!.Code.ShouldBe(CloseCode.NormalClosure);
    }

    private async Task<string> NextAsync() => await _events.Reader.ReadAsync().Guarding();

    private ReconnectingWebSocketClient Create(ReconnectOptions? reconnect = null)
    {
        ValueTask Tell(string what)
        {
            _events.Writer.TryWrite(what);
            return default;
        }
        return new ReconnectingWebSocketClient(_server.Url, reconnect ?? Soon)
        {
            OnTextMessage = text => Tell("text " + text),
            OnDisconnected = end => Tell($"disconnected {(int)end.Result.Code}, {end.MessagesInDoubt} of {end.MessagesSent} in doubt"),
            OnReconnecting = next => Tell(
                $"reconnecting {next.Attempt} after {(next.Result is { } result ? $"{(int)result.Code}" : next.Failure!.Status?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? $"{next.Failure.Failure}")}"),
        };
    }
}
