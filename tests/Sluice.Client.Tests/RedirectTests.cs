using System.Net;

namespace Sluice.Client.Tests;

/// <summary>Redirects that are followed (RFC 9110 §15.4): only when asked for, and not with the caller's credentials to others.</summary>
public sealed class RedirectTests(KestrelServer kestrel) : IClassFixture<KestrelServer>, IDisposable
{
    private static readonly WebSocketClientOptions Following = new()
    {
        MaxRedirects = 3,
        Authorization = Authorization.Bearer("secret"),
        Headers = [new("Cookie", "session=1"), new("X-Other", "kept")],
    };

    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(307)]
    [InlineData(308)]
    public async Task The_same_origin_gets_all_headers_again(int status)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, Following);
        await _server.AnswerAsync(_ => Redirect(status, "/there?x=1#fragment"));
        using var peer = await _server.OpenAsync();
        await using var connection = await connecting.Guarding();
        peer.Request.ShouldStartWith("GET /there?x=1 HTTP/1.1\r\n");
        peer.Values("Authorization").ShouldBe(["Bearer secret"]);
        peer.Values("Cookie").ShouldBe(["session=1"]);
        peer.Values("X-Other").ShouldBe(["kept"]);
        connection.Abort();
    }

    [Fact]
    public async Task Another_origin_gets_no_credentials_and_neither_does_whoever_comes_after_it()
    {
        using var other = new RawServer();
        var connecting = WebSocketClient.ConnectAsync(_server.Url, Following);
        await _server.AnswerAsync(_ => Redirect(302, $"http://127.0.0.1:{other.Port}/x"));
        await other.AnswerAsync(peer =>
        {
            WithoutCredentials(peer);
            return Redirect(302, _server.Url);
        });
        using var last = await _server.OpenAsync();
        WithoutCredentials(last);
        (await connecting.Guarding()).Abort();
    }

    [Fact]
    public async Task No_more_are_followed_than_allowed()
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, Following);
        for (var i = 0; i <= Following.MaxRedirects; i++) await _server.AnswerAsync(_ => Redirect(302, "/again"));
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Status.ShouldBe(302);
        error.Message.ShouldContain("no more than 3 redirects are followed");
        _server.HasPending.ShouldBeFalse();
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/", "scheme ftp")]
    [InlineData("ws://user:secret@127.0.0.1/", "user name")]
    [InlineData("http://", "no address")]
    public async Task What_is_no_WebSocket_address_is_not_followed(string location, string why)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, Following);
        var served = _server.AnswerAsync(_ => Redirect(302, location));
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        await served;
        error.Failure.ShouldBe(ConnectFailure.Refused);
        error.Status.ShouldBe(302);
        error.Message.ShouldContain(why);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(304)]
    [InlineData(305)]
    public async Task Other_statuses_are_refusals(int status)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, Following);
        var served = _server.AnswerAsync(_ => Redirect(status, "/there"));
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        await served;
        error.Status.ShouldBe(status);
        _server.HasPending.ShouldBeFalse();
    }

    [Fact]
    public async Task An_encrypted_connection_is_not_continued_in_clear_text()
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync(
            $"wss://127.0.0.1:{raw.Port}/", new() { MaxRedirects = 3, Tls = kestrel.Trust });
        using (var peer = await raw.AcceptAsync())
        {
            await using var tls = new System.Net.Security.SslStream(peer.Stream);
            await tls.AuthenticateAsServerAsync(TestCertificate.Instance).Guarding();
            await new StreamReader(tls).ReadLineAsync().Guarding();
            await tls.WriteAsync(RawPeer.Bytes(Redirect(302, _server.Url)));
            var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
            error.Message.ShouldContain("not continued in clear text");
        }
        _server.HasPending.ShouldBeFalse();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task They_are_followed_over_either_version(bool http2)
    {
        var version = http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        await using var connection = await WebSocketClient.ConnectAsync(
            kestrel.SecureUrl + "/redirect", new() { MaxRedirects = 1, Tls = kestrel.Trust, HttpVersion = version }).Guarding();
        connection.HttpVersion.ShouldBe(version);
        await connection.SendAsync("here").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("here");
    }

    private static string Redirect(int status, string location) => $"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n";

    private static void WithoutCredentials(RawPeer peer)
    {
        peer.Values("Authorization").ShouldBeEmpty();
        peer.Values("Cookie").ShouldBeEmpty();
        peer.Values("X-Other").ShouldBe(["kept"]);
    }
}
