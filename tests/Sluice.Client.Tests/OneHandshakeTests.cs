using System.Net;

namespace Sluice.Client.Tests;

/// <summary>At most one connection to a host in CONNECTING (RFC 6455 §4.1), where the options ask for it.</summary>
public sealed class OneHandshakeTests : IDisposable
{
    private static readonly WebSocketClientOptions One = new() { OneHandshakePerHost = true };

    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Section_4_1_attempts_to_one_host_are_made_one_after_the_other_in_their_order()
    {
        var connecting = Enumerable.Range(0, 5).Select(i => WebSocketClient.ConnectAsync(Url(_server, i), One)).ToArray();
        for (var i = 0; i < connecting.Length; i++)
        {
            using var peer = await AcceptAsync(i);
            await NobodyElseDialsAsync();
            connecting[i..].ShouldAllBe(attempt => !attempt.IsCompleted);
            await peer.SendAsync(peer.Answer());
            (await connecting[i].Guarding()).Abort();
        }
    }

    [Fact]
    public async Task Without_the_option_they_are_made_side_by_side()
    {
        var held = WebSocketClient.ConnectAsync(_server.Url, One);
        using var first = await _server.AcceptAsync();
        var other = WebSocketClient.ConnectAsync(_server.Url);
        using var second = await _server.OpenAsync();
        (await other.Guarding()).Abort();
        await first.ReadRequestAsync();
        await first.SendAsync(first.Answer());
        (await held.Guarding()).Abort();
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("127.0.0.1", "127.0.0.2 127.0.0.1")]
    [InlineData("127.0.0.3 127.0.0.1", "127.0.0.1 127.0.0.2")]
    public async Task Section_4_1_a_host_is_the_same_by_whatever_name(string one, string other)
    {
        var first = WebSocketClient.ConnectAsync(Url(_server, 0, "one.test"), Resolving(one));
        using var firstPeer = await AcceptAsync(0);
        var second = WebSocketClient.ConnectAsync(Url(_server, 1, "other.test"), Resolving(other));
        await NobodyElseDialsAsync();
        await firstPeer.SendAsync(firstPeer.Answer());
        (await first.Guarding()).Abort();
        using var secondPeer = await AcceptAsync(1);
        await secondPeer.SendAsync(secondPeer.Answer());
        (await second.Guarding()).Abort();
    }

    [Fact]
    public async Task Section_4_1_another_port_is_another_host()
    {
        using var other = new RawServer();
        var held = WebSocketClient.ConnectAsync(_server.Url, One);
        using var peer = await _server.AcceptAsync();
        var connecting = WebSocketClient.ConnectAsync(other.Url, One);
        using var otherPeer = await other.OpenAsync();
        (await connecting.Guarding()).Abort();
        peer.Reset();
        await Should.ThrowAsync<HandshakeException>(held.Guarding());
    }

    public enum Failing
    {
        Refused,
        HungUp,
        NoAnswer,
        GivenUp,
    }

    [Theory]
    [InlineData(Failing.Refused)]
    [InlineData(Failing.HungUp)]
    [InlineData(Failing.NoAnswer)]
    [InlineData(Failing.GivenUp)]
    public async Task Section_4_1_the_next_begins_when_the_one_before_has_failed(Failing how)
    {
        using var cancel = new CancellationTokenSource();
        var time = new ManualTimeProvider();
        var first = WebSocketClient.ConnectAsync(Url(_server, 0), One with { Connection = new() { TimeProvider = time } }, cancel.Token);
        var second = WebSocketClient.ConnectAsync(Url(_server, 1), One);
        using var peer = await AcceptAsync(0);
        if (how == Failing.Refused) await peer.SendAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        if (how == Failing.HungUp) peer.Reset();
        if (how == Failing.NoAnswer) time.Advance(One.HandshakeTimeout);
        if (how == Failing.GivenUp) await cancel.CancelAsync();
        await Should.ThrowAsync<Exception>(first.Guarding());
        using var next = await AcceptAsync(1);
        await next.SendAsync(next.Answer());
        (await second.Guarding()).Abort();
    }

    [Fact]
    public async Task Who_gives_up_in_line_is_passed_over()
    {
        using var cancel = new CancellationTokenSource();
        var first = WebSocketClient.ConnectAsync(Url(_server, 0), One);
        var second = WebSocketClient.ConnectAsync(Url(_server, 1), One, cancel.Token);
        var third = WebSocketClient.ConnectAsync(Url(_server, 2), One);
        using var peer = await AcceptAsync(0);
        await cancel.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(second.Guarding())).CancellationToken.ShouldBe(cancel.Token);
        await NobodyElseDialsAsync();
        await peer.SendAsync(peer.Answer());
        (await first.Guarding()).Abort();
        using var next = await AcceptAsync(2);
        await next.SendAsync(next.Answer());
        (await third.Guarding()).Abort();
    }

    [Fact]
    public async Task Waiting_counts_for_the_time_of_the_handshake_and_says_so()
    {
        var first = WebSocketClient.ConnectAsync(_server.Url, One);
        using var peer = await _server.AcceptAsync();
        await peer.ReadRequestAsync();
        var options = One with { HandshakeTimeout = TimeSpan.FromMilliseconds(300), ConnectTimeout = TimeSpan.FromMilliseconds(1) };
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(_server.Url, options).Guarding());
        error.Failure.ShouldBe(ConnectFailure.Timeout);
        error.Message.ShouldContain("within 0.3 s, as another one with the same host was under way");
        _server.HasPending.ShouldBeFalse();
        await peer.SendAsync(peer.Answer());
        (await first.Guarding()).Abort();
    }

    [Fact]
    public async Task A_name_without_address_is_named_and_holds_up_nobody()
    {
        var options = One with { Resolver = (_, _) => throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.HostNotFound) };
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync("ws://server.invalid/", options).Guarding());
        error.Failure.ShouldBe(ConnectFailure.NameNotResolved);
        error.Message.ShouldContain("server.invalid");
        var slow = One with
        {
            ConnectTimeout = TimeSpan.FromMilliseconds(100),
            Resolver = async (_, token) => // never tells
            {
                await token.UntilCanceled();
                return [];
            },
        };
        error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync("ws://server.invalid/", slow).Guarding());
        error.Failure.ShouldBe(ConnectFailure.Timeout);
        error.Message.ShouldContain("could not be connected to within 0.1 s");
    }

    [Fact]
    public async Task A_redirect_waits_for_the_host_that_it_leads_to_and_frees_the_one_before()
    {
        using var target = new RawServer();
        var held = WebSocketClient.ConnectAsync(target.Url, One);
        using var holding = await target.AcceptAsync();
        await holding.ReadRequestAsync();
        var redirected = WebSocketClient.ConnectAsync(Url(_server, 0), One with { MaxRedirects = 1 });
        await _server.AnswerAsync(_ => $"HTTP/1.1 302 Elsewhere\r\nLocation: {Url(target, 7)}\r\nContent-Length: 0\r\n\r\n");
        var next = WebSocketClient.ConnectAsync(Url(_server, 1), One);
        using (var peer = await AcceptAsync(1))
        {
            await peer.SendAsync(peer.Answer());
            (await next.Guarding()).Abort();
        }
        target.HasPending.ShouldBeFalse();
        await holding.SendAsync(holding.Answer());
        (await held.Guarding()).Abort();
        using var last = await target.OpenAsync();
        last.Request.ShouldStartWith("GET /7 ");
        (await redirected.Guarding()).Abort();
    }

    [Fact]
    public async Task Section_4_1_through_a_proxy_each_name_is_a_host()
    {
        var options = One with { Proxy = new WebProxy($"http://127.0.0.1:{_server.Port}") };
        using var cancel = new CancellationTokenSource();
        string[] urls = ["ws://one.test/", "ws://ONE.test./", "ws://two.test/"];
        var connecting = urls.Select(url => WebSocketClient.ConnectAsync(url, options, cancel.Token)).ToArray();
        using var first = await _server.AcceptAsync();
        using var second = await _server.AcceptAsync();
        string[] requests = [(await first.ReadRequestAsync()).Split("\r\n")[0], (await second.ReadRequestAsync()).Split("\r\n")[0]];
        requests.Order().ShouldBe(["CONNECT one.test:80 HTTP/1.1", "CONNECT two.test:80 HTTP/1.1"]);
        await NobodyElseDialsAsync();
        await cancel.CancelAsync();
        foreach (var attempt in connecting) await Should.ThrowAsync<OperationCanceledException>(attempt.Guarding());
    }

    [Fact]
    public async Task Clients_that_connect_again_do_so_one_after_the_other()
    {
        var soon = new ReconnectOptions { FirstDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(1) };
        await using var one = new ReconnectingWebSocketClient(_server.Url, soon, One);
        await using var other = new ReconnectingWebSocketClient(_server.Url, soon, One);
        Task[] connecting = [one.ConnectAsync(), other.ConnectAsync()];
        var waiting = 0;
        var bothWait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        one.OnReconnecting = other.OnReconnecting = _ =>
        {
            if (Interlocked.Increment(ref waiting) == 2) bothWait.SetResult(); // there may be more of them
            return default;
        };
        var peers = new List<RawPeer>();
        for (var round = 0; round < 2; round++)
        {
            if (round == 1) peers.ForEach(peer => peer.Reset());
            if (round == 1) await bothWait.Task.Guarding();
            peers.Clear();
            for (var i = 0; i < 2; i++)
            {
                var peer = await _server.AcceptAsync();
                await peer.ReadRequestAsync();
                if (i == 0) await NobodyElseDialsAsync();
                await peer.SendAsync(peer.Answer());
                peers.Add(peer);
            }
            await Task.WhenAll(connecting).Guarding();
        }
        peers.ForEach(peer => peer.Reset());
    }

    private static string Url(RawServer server, int number, string host = "127.0.0.1") => $"ws://{host}:{server.Port}/{number}";

    private static WebSocketClientOptions Resolving(string addresses) => One with
    {
        Resolver = (_, _) => Task.FromResult<IReadOnlyList<IPAddress>>([.. addresses.Split(' ').Select(IPAddress.Parse)]),
    };

    private async Task<RawPeer> AcceptAsync(int number)
    {
        var peer = await _server.AcceptAsync();
        (await peer.ReadRequestAsync()).ShouldStartWith($"GET /{number} ");
        return peer;
    }

    // Another connection, begun now, is made meanwhile: whoever had not waited would have had the time.
    private async Task NobodyElseDialsAsync()
    {
        using var elsewhere = new RawServer();
        var connecting = WebSocketClient.ConnectAsync(elsewhere.Url, One);
        using var peer = await elsewhere.OpenAsync();
        (await connecting.Guarding()).Abort();
        _server.HasPending.ShouldBeFalse("another attempt dials the host meanwhile");
    }
}
