namespace Sluice.Client.Tests;

/// <summary>The limits of a server's answer, each met and passed by one.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Theory]
    [InlineData(20, true)]
    [InlineData(21, false)]
    public async Task MaxResponseFields_counts_every_field(int count, bool isAccepted)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, new() { MaxResponseFields = 20 });
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        // Three are the handshake's own; of the others every second has the same name.
        await peer.SendAsync(peer.Answer([.. Enumerable.Range(3, count - 3).Select(i => i % 2 == 0 ? $"X-{i}: a" : "X-Same: b")]));
        if (isAccepted)
        {
            (await connecting.Guarding()).Abort();
            return;
        }
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.InvalidResponse);
        error.Message.ShouldContain("21 header fields, more than MaxResponseFields allows (20)");
        await peer.ReadToEndAsync();
    }

    [Fact]
    public async Task MaxResponseFields_holds_for_a_refusal_too()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, new() { MaxResponseFields = 5 });
        var fields = string.Concat(Enumerable.Range(0, 10).Select(i => $"X-{i}: a\r\n"));
        var served = _server.AnswerAsync(_ => $"HTTP/1.1 403 Forbidden\r\n{fields}Content-Length: 0\r\n\r\n");
        (await Should.ThrowAsync<HandshakeException>(connecting.Guarding())).Failure.ShouldBe(ConnectFailure.InvalidResponse);
        await served;
    }

    [Theory]
    [InlineData(1024, 3000)]
    [InlineData(3000, 5000)]
    [InlineData(64 * 1024, 100_000)]
    public async Task MaxResponseHeaderSize_bounds_the_bytes(int limit, int size)
    {
        var options = new WebSocketClientOptions { MaxResponseHeaderSize = limit };
        var connecting = WebSocketClient.ConnectAsync(_server.Url, options);
        using (var peer = await _server.AcceptAsync())
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync(peer.Answer($"X-Long: {new string('x', size)}"));
            var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
            error.Failure.ShouldBe(ConnectFailure.InvalidResponse);
            error.Message.ShouldContain(nameof(options.MaxResponseHeaderSize));
        }
        connecting = WebSocketClient.ConnectAsync(_server.Url, options);
        using var second = await _server.AcceptAsync();
        await second.ReadRequestAsync();
        await second.SendAsync(second.Answer($"X-Long: {new string('x', limit - 300)}"));
        (await connecting.Guarding()).Abort();
    }

    [Fact]
    public async Task A_byte_a_second_does_not_outlast_the_handshakes_time()
    {
        var time = new ManualTimeProvider();
        var options = new WebSocketClientOptions { Connection = new() { TimeProvider = time } };
        var connecting = WebSocketClient.ConnectAsync(_server.Url, options);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        await peer.SendAsync("HTTP/1.1 101 Switching Protocols\r\n");
        for (var second = 0; second < options.HandshakeTimeout.TotalSeconds; second++)
        {
            connecting.IsCompleted.ShouldBeFalse();
            await peer.SendAsync("x");
            time.Advance(TimeSpan.FromSeconds(1));
        }
        (await Should.ThrowAsync<HandshakeException>(connecting.Guarding())).Failure.ShouldBe(ConnectFailure.Timeout);
        await peer.ReadToEndAsync();
    }

    [Fact]
    public void Values_that_can_not_work_are_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new WebSocketClientOptions { MaxResponseFields = 0 });
        Should.Throw<ArgumentOutOfRangeException>(() => new WebSocketClientOptions { MaxResponseHeaderSize = 0 });
        Should.Throw<ArgumentOutOfRangeException>(() => new WebSocketClientOptions { MaxRedirects = -1 });
        Should.Throw<ArgumentOutOfRangeException>(() => new WebSocketClientOptions { MaxRedirects = 51 });
        Should.Throw<ArgumentOutOfRangeException>(() => new WebSocketClientOptions { ConnectTimeout = TimeSpan.Zero });
        Should.Throw<ArgumentOutOfRangeException>(() => new WebSocketClientOptions { AddressDelay = TimeSpan.Zero });
    }
}
