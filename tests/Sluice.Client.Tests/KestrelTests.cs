using System.Net;

namespace Sluice.Client.Tests;

/// <summary>Against ASP.NET Core's own WebSockets.</summary>
public sealed class KestrelTests(KestrelServer server) : IClassFixture<KestrelServer>
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(125, true)]
    [InlineData(126, false)]
    [InlineData(65_535, true)]
    [InlineData(65_536, false)]
    [InlineData(1024 * 1024, false)]
    [InlineData(1024 * 1024, true)]
    public async Task Messages_go_both_ways(int size, bool secure)
    {
        await using var connection = await ConnectAsync(secure);
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        var sending = connection.SendAsync(payload).Guarding();
        using var binary = await connection.ReceiveAsync().Guarding();
        binary.Type.ShouldBe(MessageType.Binary);
        binary.Payload.Span.SequenceEqual(payload).ShouldBeTrue();
        await sending;
        var text = new string('\u20ac', size / 3);
        await connection.SendAsync(text).Guarding();
        using var reply = await connection.ReceiveAsync().Guarding();
        reply.IsText.ShouldBeTrue();
        reply.Text.ShouldBe(text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_senders_at_once_lose_and_mix_nothing(bool secure)
    {
        const int Senders = 16, Each = 200;
        await using var connection = await ConnectAsync(secure);
        var sending = Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            for (var i = 0; i < Each; i++) await connection.SendAsync($"{sender}:{i}:{new string('x', (sender * 131 + i) % 3000)}");
        })));
        var next = new int[Senders];
        for (var i = 0; i < Senders * Each; i++)
        {
            using var message = await connection.ReceiveAsync().Guarding();
            var parts = message.Text.Split(':');
            var sender = int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture);
            var number = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
            number.ShouldBe(next[sender]++, "each sender's messages stay in order");
            parts[2].Length.ShouldBe((sender * 131 + number) % 3000);
        }
        await sending.Guarding();
        (await connection.CloseAsync().Guarding()).WasClean.ShouldBeTrue();
    }

    [Fact]
    public async Task A_message_in_64_fragments_is_one()
    {
        await using var connection = await WebSocketClient.ConnectAsync(server.Url + "/split").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Payload.Length.ShouldBe(64_000);
        for (var i = 0; i < 64_000; i++) message.Payload.Span[i].ShouldBe((byte)(i / 1000));
    }

    [Fact]
    public async Task A_close_from_here_is_answered()
    {
        var connection = await ConnectAsync(secure: false);
        var result = await connection.CloseAsync(CloseCode.GoingAway, "leaving").Guarding();
        result.Code.ShouldBe(CloseCode.GoingAway);
        result.Reason.ShouldBe("echo: leaving");
        result.ByPeer.ShouldBeFalse();
        result.WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_close_from_there_is_answered(bool secure)
    {
        var connection = await ConnectAsync(secure);
        await connection.SendAsync("close").Guarding();
        (await connection.ReceiveAsync().Guarding()).IsClose.ShouldBeTrue();
        connection.CloseResult!.Code.ShouldBe((CloseCode)4001);
        connection.CloseResult.Reason.ShouldBe("as you wish");
        connection.CloseResult.ByPeer.ShouldBeTrue();
        connection.CloseResult.WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
    }

    [Fact]
    public async Task A_ping_comes_back()
    {
        await using var connection = await ConnectAsync(secure: true);
        (await connection.PingAsync().Guarding()).ShouldBeGreaterThan(TimeSpan.Zero);
    }

    [Fact]
    public async Task A_subprotocol_is_agreed()
    {
        await using var connection = await WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Subprotocols = ["one", "two"] }).Guarding();
        connection.Subprotocol.ShouldBe("two");
    }

    [Fact]
    public async Task Over_TLS_it_is_HTTP_1_1()
    {
        await using var connection = await ConnectAsync(secure: true);
        await connection.SendAsync("protocol").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("HTTP/1.1 https");
    }

    [Fact]
    public async Task A_certificate_that_nobody_vouches_for_is_refused()
    {
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(server.SecureUrl + "/echo").Guarding());
        error.Failure.ShouldBe(ConnectFailure.Tls);
        error.Status.ShouldBeNull();
        error.Message.ShouldContain("trust its certificate");
    }

    [Fact]
    public async Task Cookies_of_a_handlers_container_are_sent()
    {
        using var handler = WebSocketClient.CreateHandler();
        handler.UseCookies = true;
        handler.CookieContainer = new CookieContainer();
        using var http = new HttpClient(handler, disposeHandler: false);
        using var login = await http.GetAsync(server.Url.Replace("ws:", "http:", StringComparison.Ordinal) + "/login").Guarding();
        login.EnsureSuccessStatusCode();
        await using var connection = await WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Handler = handler }).Guarding();
        await connection.SendAsync("cookie").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("session=42");
    }

    [Fact]
    public async Task A_refusal_comes_with_its_body()
    {
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(server.Url + "/refuse").Guarding());
        error.Status.ShouldBe(418);
        error.Headers["Content-Type"].ShouldBe(["application/json; charset=utf-8"]);
        System.Text.Encoding.UTF8.GetString(error.Body.Span).ShouldBe("{\"why\":\"no\"}");
    }

    private async Task<WebSocketConnection> ConnectAsync(bool secure)
    {
        if (!secure) return await WebSocketClient.ConnectAsync(server.Url + "/echo").Guarding();
        using var handler = server.CreateTrustingHandler();
        return await WebSocketClient.ConnectAsync(server.SecureUrl + "/echo", new() { Handler = handler }).Guarding();
    }
}
