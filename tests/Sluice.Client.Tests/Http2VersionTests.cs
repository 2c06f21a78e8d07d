using System.Net;
using System.Net.Security;

namespace Sluice.Client.Tests;

/// <summary>Which version of HTTP a WebSocket is opened over, when the client would take HTTP/2.</summary>
public sealed class Http2VersionTests(KestrelServer server) : IClassFixture<KestrelServer>
{
    // SETTINGS with nothing in it, and the acknowledgement of the peer's (RFC 9113 §6.5).
    private static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    private static readonly byte[] Acknowledgement = [0, 0, 0, 4, 1, 0, 0, 0, 0];

    [Fact]
    public async Task A_server_that_chooses_HTTP_1_1_gets_it()
    {
        await using var connection = await WebSocketClient.ConnectAsync(server.SecureHttp1Url + "/echo", server.Http2Options()).Guarding();
        connection.HttpVersion.ShouldBe(HttpVersion.Version11);
        await connection.SendAsync("protocol").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("HTTP/1.1 https");
    }

    [Fact]
    public async Task A_server_that_ignores_ALPN_gets_HTTP_1_1()
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"wss://127.0.0.1:{raw.Port}/", server.Http2Options());
        using (var peer = await raw.AcceptAsync())
        await using (var tls = await peer.AcceptTlsAsync())
        {
            await ReadToEndAsync(tls);
        }
        using var second = await raw.AcceptAsync();
        await using var fallback = await second.AcceptTlsAsync();
        (await new StreamReader(fallback).ReadLineAsync().Guarding()).ShouldBe("GET / HTTP/1.1");
        second.Reset();
        await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
    }

    [Fact]
    public async Task In_clear_text_HTTP_1_1_is_taken_unless_2_is_demanded()
    {
        await using var connection = await WebSocketClient.ConnectAsync(server.Url + "/echo", server.Http2Options()).Guarding();
        connection.HttpVersion.ShouldBe(HttpVersion.Version11);
        var error = await Should.ThrowAsync<HandshakeException>(
            WebSocketClient.ConnectAsync(server.Url + "/echo", server.Http2Options(HttpVersionPolicy.RequestVersionExact)).Guarding());
        // The server answers in HTTP/1.1 and closes; its answer may be lost to the reset that follows it.
        error.Failure.ShouldBeOneOf(ConnectFailure.InvalidResponse, ConnectFailure.ConnectionLost);
        if (error.Failure == ConnectFailure.InvalidResponse) error.Message.ShouldContain("HTTP/2");
    }

    [Fact]
    public async Task A_higher_version_is_taken_when_that_is_allowed()
    {
        var options = server.Http2Options(HttpVersionPolicy.RequestVersionOrHigher) with { HttpVersion = HttpVersion.Version11 };
        await using var two = await WebSocketClient.ConnectAsync(server.SecureUrl + "/echo", options).Guarding();
        two.HttpVersion.ShouldBe(HttpVersion.Version20);
        await using var one = await WebSocketClient.ConnectAsync(server.SecureHttp1Url + "/echo", options).Guarding();
        one.HttpVersion.ShouldBe(HttpVersion.Version11);
    }

    [Fact]
    public async Task Where_only_HTTP_2_will_do_a_server_without_it_is_named()
    {
        var error = await Should.ThrowAsync<HandshakeException>(
            WebSocketClient.ConnectAsync(server.SecureHttp1Url + "/echo", server.Http2Options(HttpVersionPolicy.RequestVersionExact)).Guarding());
        error.Failure.ShouldBe(ConnectFailure.HttpVersion);
        error.Message.ShouldContain("does not speak HTTP/2");
    }

    [Theory]
    [InlineData(HttpVersionPolicy.RequestVersionOrLower)]
    [InlineData(HttpVersionPolicy.RequestVersionExact)]
    public async Task RFC_8441_3_a_server_that_does_not_announce_extended_CONNECT_gets_none(HttpVersionPolicy policy)
    {
        using var raw = new RawServer();
        var connecting = WebSocketClient.ConnectAsync($"wss://127.0.0.1:{raw.Port}/", server.Http2Options(policy));
        using (var peer = await raw.AcceptAsync())
        await using (var tls = await peer.AcceptTlsAsync(SslApplicationProtocol.Http2))
        {
            await tls.WriteAsync((byte[])[.. Settings, .. Acknowledgement]);
            await tls.ReadExactlyAsync(new byte[24]).Guarding(); // the preface
            await ReadToEndAsync(tls);
        }
        if (policy == HttpVersionPolicy.RequestVersionExact)
        {
            var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
            error.Failure.ShouldBe(ConnectFailure.HttpVersion);
            error.Message.ShouldContain("takes no WebSocket over it");
            return;
        }
        using var second = await raw.AcceptAsync();
        await using var fallback = await second.AcceptTlsAsync(SslApplicationProtocol.Http11);
        var request = await new StreamReader(fallback).ReadLineAsync().Guarding();
        request.ShouldBe("GET / HTTP/1.1");
        second.Reset();
        await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
    }

    [Fact]
    public void HTTP_3_is_refused_with_the_reason()
        => Should.Throw<ArgumentException>(() => new WebSocketClientOptions { HttpVersion = HttpVersion.Version30 }).Message.ShouldContain("RFC 9220");

    private static async Task ReadToEndAsync(Stream stream)
    {
        try
        {
            await stream.CopyToAsync(Stream.Null).Guarding();
        }
        catch (IOException)
        {
            // Our SETTINGS were not all read: an end by reset.
        }
    }
}
