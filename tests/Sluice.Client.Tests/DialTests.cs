using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Sluice.Client.Tests;

/// <summary>Servers that can't be reached, don't answer, or vanish; and callers who give up.</summary>
public sealed class DialTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task A_port_where_nothing_listens_is_named()
    {
        _server.Dispose();
        var port = FreePort.Find();
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync($"ws://127.0.0.1:{port}/").Guarding());
        error.Failure.ShouldBe(ConnectFailure.ConnectionRefused);
        error.Status.ShouldBeNull();
        error.Headers.ShouldBeEmpty();
        error.Message.ShouldStartWith($"nothing listens on 127.0.0.1:{port} (connection refused)");
        error.InnerException.ShouldBeOfType<HttpRequestException>();
    }

    [Fact]
    public async Task A_name_without_address_is_named()
    {
        using var handler = WebSocketClient.CreateHandler();
        // The answer that a resolver gives, without asking one: tests stay on the loopback.
        handler.ConnectCallback = (_, _) => throw new SocketException((int)SocketError.HostNotFound);
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync("ws://server.invalid/", new() { Handler = handler }).Guarding());
        error.Failure.ShouldBe(ConnectFailure.NameNotResolved);
        error.Message.ShouldContain("server.invalid");
    }

    [Fact]
    public async Task A_server_that_never_answers_times_out_and_is_let_go()
    {
        var time = new ManualTimeProvider();
        var connecting = WebSocketClient.ConnectAsync(
            _server.Url, new() { HandshakeTimeout = TimeSpan.FromMilliseconds(300), Connection = new() { TimeProvider = time } });
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        time.Advance(TimeSpan.FromMilliseconds(300));
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.Timeout);
        error.Status.ShouldBeNull();
        error.Message.ShouldContain("within 0.3 s");
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task A_server_that_never_does_TLS_times_out_and_is_let_go()
    {
        var time = new ManualTimeProvider();
        var options = new WebSocketClientOptions { Connection = new() { TimeProvider = time } };
        var connecting = WebSocketClient.ConnectAsync($"wss://127.0.0.1:{_server.Port}/", options);
        using var peer = await _server.AcceptAsync();
        await peer.Stream.ReadExactlyAsync(new byte[5]).Guarding();
        time.Advance(options.HandshakeTimeout);
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.Timeout);
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task A_server_that_hangs_up_without_an_answer_is_named()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        peer.Dispose();
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.ConnectionLost);
        error.Message.ShouldContain("before it answered");
        _server.HasPending.ShouldBeFalse("nobody dialled again");
    }

    [Fact]
    public async Task A_server_that_resets_in_the_middle_of_its_answer_is_named()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync("HTTP/1.1 101 Switching Protocols\r\nUpgr");
        peer.Reset();
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.ConnectionLost);
        error.Status.ShouldBeNull();
    }

    [Fact]
    public async Task TLS_to_a_port_that_speaks_plain_text_is_named()
    {
        var connecting = WebSocketClient.ConnectAsync($"wss://127.0.0.1:{_server.Port}/");
        using var peer = await _server.AcceptAsync();
        await peer.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.Tls);
        error.Message.ShouldContain("TLS handshake");
        error.InnerException!.GetBaseException().ShouldBeOfType<AuthenticationException>();
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task A_token_that_is_cancelled_already_dials_nobody()
    {
        var error = await Should.ThrowAsync<OperationCanceledException>(
            WebSocketClient.ConnectAsync(_server.Url, cancellationToken: new CancellationToken(true)).Guarding());
        error.CancellationToken.IsCancellationRequested.ShouldBeTrue();
    }

    public enum Point
    {
        Connected,
        InTls,
        RequestRead,
        AnswerBegun,
        RefusalBegun,
    }

    [Theory]
    [InlineData(Point.Connected)]
    [InlineData(Point.InTls)]
    [InlineData(Point.RequestRead)]
    [InlineData(Point.AnswerBegun)]
    [InlineData(Point.RefusalBegun)]
    public async Task A_caller_who_gives_up_leaves_no_socket_behind(Point point)
    {
        using var cancel = new CancellationTokenSource();
        var url = point == Point.InTls ? $"wss://127.0.0.1:{_server.Port}/" : _server.Url;
        var connecting = WebSocketClient.ConnectAsync(url, cancellationToken: cancel.Token);
        using var peer = await _server.AcceptAsync();
        if (point == Point.InTls) await peer.Stream.ReadExactlyAsync(new byte[5]).Guarding();
        if (point >= Point.RequestRead) await peer.ReadRequestAsync();
        if (point == Point.AnswerBegun) await peer.SendAsync("HTTP/1.1 101 Switching Protocols\r\n");
        if (point == Point.RefusalBegun) await peer.SendAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\n12345");
        await cancel.CancelAsync();
        var error = await Should.ThrowAsync<OperationCanceledException>(connecting.Guarding());
        error.CancellationToken.ShouldBe(cancel.Token);
        await peer.ReadToEndAsync(); // ends when the client has closed
    }

    [Fact]
    public async Task Giving_up_one_attempt_leaves_another_to_the_same_server_alone()
    {
        using var cancel = new CancellationTokenSource();
        var first = WebSocketClient.ConnectAsync(_server.Url, cancellationToken: cancel.Token);
        using var firstPeer = await _server.AcceptAsync();
        var second = WebSocketClient.ConnectAsync(_server.Url);
        using var secondPeer = await _server.OpenAsync();
        await using var connection = await second.Guarding();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(first.Guarding());
        await firstPeer.ReadToEndAsync();
        await secondPeer.SendAsync(RawPeer.Text("still here"));
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("still here");
        connection.Abort();
    }

    [Fact]
    public async Task Giving_up_at_any_moment_gives_a_cancellation_or_a_connection_and_nothing_else()
    {
        const int Attempts = 200;
        var serving = Task.Run(async () =>
        {
            var served = 0;
            while (true)
            {
                using var peer = await _server.AcceptAsync();
                try
                {
                    if (await peer.ReadRequestAsync() == "end\r\n\r\n") return served;
                    await peer.SendAsync(peer.Answer());
                }
                catch (IOException)
                {
                    // Given up before.
                }
                await peer.ReadToEndAsync(); // would hang on a socket left behind
                served++;
            }
        });
        var opened = 0;
        for (var i = 0; i < Attempts; i++)
        {
            using var cancel = new CancellationTokenSource();
            var connecting = WebSocketClient.ConnectAsync(_server.Url, cancellationToken: cancel.Token);
            for (var spin = 0; spin < i * 100 && !connecting.IsCompleted; spin++) Thread.SpinWait(10);
            await cancel.CancelAsync();
            try
            {
                (await connecting.Guarding()).Abort();
                opened++;
            }
            catch (OperationCanceledException)
            {
            }
        }
        using var last = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await last.ConnectAsync(IPAddress.Loopback, _server.Port).Guarding();
        await last.SendAsync(RawPeer.Bytes("end\r\n\r\n")).Guarding();
        var reached = await serving.Guarding();
        reached.ShouldBeInRange(opened, Attempts);
    }
}
