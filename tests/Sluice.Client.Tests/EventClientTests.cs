using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Sluice.Client.Tests;

/// <summary>The event style.</summary>
public sealed class EventClientTests : IDisposable
{
    private readonly RawServer _server = new();
    private readonly Channel<string> _events = Channel.CreateUnbounded<string>();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Every_event_comes_in_order()
    {
        var client = CreateClient();
        var (peer, connected) = await ConnectAsync(
            client,
            [.. RawPeer.Text("one"), .. RawPeer.Frame(9, [7]), .. RawPeer.Frame(2, [1, 2]), .. RawPeer.Frame(10, [8]), .. RawPeer.Text("two"), .. RawPeer.Close(4000, "end")]);
        connected.ShouldBeTrue();
        peer.ShutdownSend();
        var result = await client.Completion!.Guarding();
        result.Code.ShouldBe((CloseCode)4000);
        await EventsAsync("connected", "text one", "ping 7", "binary 0102", "pong 8", "text two", "disconnected 4000 end");
        (await peer.ReadFrameAsync()).Opcode.ShouldBe(10);
        (await peer.ReadFrameAsync()).Opcode.ShouldBe(8);
        await client.DisposeAsync();
        peer.Dispose();
    }

    [Fact]
    public async Task It_sends_and_closes()
    {
        var client = CreateClient();
        var (peer, _) = await ConnectAsync(client);
        await client.SendAsync("text").Guarding();
        await client.SendAsync(new byte[] { 1 }).Guarding();
        (await peer.ReadFrameAsync()).Payload.ShouldBe(RawPeer.Bytes("text"));
        var (opcode, fin, payload) = await peer.ReadFrameAsync();
        (opcode, fin).ShouldBe((2, true));
        payload.ShouldBe([1]);
        var closing = client.CloseAsync(CloseCode.GoingAway, "bye");
        (await peer.ReadFrameAsync()).Opcode.ShouldBe(8);
        await peer.SendAsync(RawPeer.Close(1001));
        (await closing.Guarding()).WasClean.ShouldBeTrue();
        peer.ShutdownSend();
        await client.Completion!.Guarding();
        await client.DisposeAsync();
        peer.Dispose();
    }

    [Fact]
    public async Task The_next_event_waits_until_the_handler_is_done()
    {
        var client = CreateClient();
        var gate = new TaskCompletionSource();
        var running = 0;
        client.OnTextMessage = async text =>
        {
            Interlocked.Increment(ref running).ShouldBe(1);
            if (text == "first") await gate.Task;
            Interlocked.Decrement(ref running);
            _events.Writer.TryWrite(text);
        };
        var (peer, _) = await ConnectAsync(client, [.. RawPeer.Text("first"), .. RawPeer.Text("second"), .. RawPeer.Close(1000)]);
        peer.ShutdownSend();
        gate.SetResult();
        await client.Completion!.Guarding();
        await EventsAsync("connected", "first", "second", "disconnected 1000 ");
        await client.DisposeAsync();
        peer.Dispose();
    }

    [Theory]
    [InlineData("connected")]
    [InlineData("text")]
    [InlineData("binary")]
    [InlineData("ping")]
    [InlineData("pong")]
    public async Task An_exception_in_a_handler_closes_with_1011_and_is_reported(string where)
    {
        var thrown = new InvalidOperationException("the handler's own");
        var reported = new ConcurrentQueue<CloseResult>();
        var client = CreateClient();
        client.OnDisconnected = async result =>
        {
            await Task.Yield();
            reported.Enqueue(result);
        };
        switch (where)
        {
            case "connected": client.OnConnected = () => throw thrown; break;
            case "text": client.OnTextMessage = _ => throw thrown; break;
            case "binary": client.OnBinaryMessage = async _ => { await Task.Yield(); throw thrown; }; break;
            case "ping": client.OnPing = _ => throw thrown; break;
            default: client.OnPong = _ => throw thrown; break;
        }
        var (peer, _) = await ConnectAsync(client, [.. RawPeer.Text("x"), .. RawPeer.Frame(2, [1]), .. RawPeer.Frame(9, []), .. RawPeer.Frame(10, [])]);
        (int Opcode, bool, byte[] Payload) frame;
        while ((frame = await peer.ReadFrameAsync()).Opcode == 10)
        {
        }
        frame.Opcode.ShouldBe(8);
        frame.Payload[..2].ShouldBe([0x03, 0xF3]);
        await peer.SendAsync(RawPeer.Close(1011));
        peer.ShutdownSend();
        (await Should.ThrowAsync<InvalidOperationException>(client.Completion!.Guarding())).ShouldBeSameAs(thrown);
        var result = reported.ShouldHaveSingleItem();
        result.Code.ShouldBe(CloseCode.InternalError);
        result.Error.ShouldBeSameAs(thrown);
        await client.DisposeAsync();
        peer.Dispose();
    }

    [Fact]
    public async Task A_reset_while_a_handler_runs_still_ends_with_OnDisconnected()
    {
        var client = CreateClient();
        var entered = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
        client.OnTextMessage = async _ =>
        {
            entered.SetResult();
            await gate.Task;
        };
        var (peer, _) = await ConnectAsync(client, RawPeer.Text("x"));
        await entered.Task.Guarding();
        peer.Reset();
        gate.SetResult();
        (await client.Completion!.Guarding()).Code.ShouldBe(CloseCode.AbnormalClosure);
        (await _events.Reader.ReadAsync().Guarding()).ShouldBe("connected");
        (await _events.Reader.ReadAsync().Guarding()).ShouldStartWith("disconnected 1006");
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_refusal_goes_to_OnConnectError_and_it_can_try_again()
    {
        var client = CreateClient();
        var errors = new ConcurrentQueue<HandshakeException>();
        client.OnConnectError = error =>
        {
            errors.Enqueue(error);
            return default;
        };
        var connecting = client.ConnectAsync();
        var served = _server.AnswerAsync(_ => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        (await connecting.Guarding()).ShouldBeFalse();
        await served;
        errors.ShouldHaveSingleItem().Status.ShouldBe(503);
        client.Connection.ShouldBeNull();
        var (peer, connected) = await ConnectAsync(client, RawPeer.Close(1000));
        connected.ShouldBeTrue();
        peer.ShutdownSend();
        await client.Completion!.Guarding();
        await EventsAsync("connected", "disconnected 1000 ");
        await client.DisposeAsync();
        peer.Dispose();
    }

    [Fact]
    public async Task A_refusal_without_OnConnectError_is_thrown()
    {
        await using var client = CreateClient();
        var connecting = client.ConnectAsync();
        var served = _server.AnswerAsync(_ => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        (await Should.ThrowAsync<HandshakeException>(connecting.Guarding())).Status.ShouldBe(503);
        await served;
    }

    [Fact]
    public async Task It_connects_again_after_a_disconnection_but_not_before()
    {
        var client = CreateClient();
        var (first, _) = await ConnectAsync(client);
        await Should.ThrowAsync<InvalidOperationException>(client.ConnectAsync().Guarding());
        await first.SendAsync(RawPeer.Close(1001));
        first.ShutdownSend();
        await client.Completion!.Guarding();
        var (second, _) = await ConnectAsync(client);
        await second.SendAsync(RawPeer.Text("again"));
        await EventsAsync("connected", "disconnected 1001 ", "connected", "text again");
        var disposing = client.DisposeAsync().AsTask();
        (await second.ReadFrameAsync()).Opcode.ShouldBe(8);
        await second.SendAsync(RawPeer.Close(1000));
        second.ShutdownSend();
        await disposing.Guarding();
        await EventsAsync("disconnected 1000 ");
        await Should.ThrowAsync<ObjectDisposedException>(client.ConnectAsync().Guarding());
        first.Dispose();
        second.Dispose();
    }

    [Fact]
    public async Task Dispose_ends_an_attempt_to_connect()
    {
        var client = CreateClient();
        var connecting = client.ConnectAsync();
        using var peer = await _server.AcceptAsync();
        await client.DisposeAsync();
        await Should.ThrowAsync<OperationCanceledException>(connecting.Guarding());
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task Sending_before_connecting_says_what_to_do()
    {
        await using var client = CreateClient();
        Should.Throw<InvalidOperationException>(() => { _ = client.SendAsync("x"); }).Message.ShouldContain("ConnectAsync");
    }

    private WebSocketEventClient CreateClient() => new(_server.Url)
    {
        OnConnected = () => Tell("connected"),
        OnTextMessage = text => Tell("text " + text),
        OnBinaryMessage = payload => Tell("binary " + Convert.ToHexString(payload.Span)),
        OnPing = payload => _events.Writer.TryWrite("ping " + payload.FirstOrDefault()),
        OnPong = payload => _events.Writer.TryWrite("pong " + payload.FirstOrDefault()),
        OnDisconnected = result => Tell($"disconnected {(int)result.Code} {result.Reason}"),
    };

    private ValueTask Tell(string what)
    {
        _events.Writer.TryWrite(what);
        return default;
    }

    private async Task<(RawPeer Peer, bool Connected)> ConnectAsync(WebSocketEventClient client, params byte[] behind)
    {
        var connecting = client.ConnectAsync();
        var peer = await _server.OpenAsync(behind);
        return (peer, await connecting.Guarding());
    }

    private async Task EventsAsync(params string[] expected)
    {
        foreach (var one in expected) (await _events.Reader.ReadAsync().Guarding()).ShouldBe(one);
        _events.Reader.TryRead(out var more).ShouldBeFalse(more);
    }
}
