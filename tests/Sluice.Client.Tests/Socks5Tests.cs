using System.Net;

namespace Sluice.Client.Tests;

/// <summary>Through a SOCKS5 proxy (RFC 1928).</summary>
public sealed class Socks5Tests(KestrelServer server) : IClassFixture<KestrelServer>
{
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    public async Task It_carries_the_connection(bool secure, int version)
    {
        using var proxy = new Socks5Proxy();
        var url = new Uri((secure ? server.SecureUrl : server.Url) + "/echo");
        await RoundTripAsync(proxy, url, new WebProxy(proxy.Url), new Version(version, version == 1 ? 1 : 0));
    }

    [Fact]
    public async Task The_name_of_the_server_is_the_proxys_to_resolve()
    {
        using var proxy = new Socks5Proxy();
        var url = new Uri($"ws://localhost:{new Uri(server.Url).Port}/echo");
        await RoundTripAsync(proxy, url, new WebProxy(proxy.Url), HttpVersion.Version11);
    }

    [Fact]
    public async Task RFC_1929_user_name_and_password_are_given()
    {
        using var proxy = new Socks5Proxy("user", "pässword");
        var address = new WebProxy(proxy.Url) { Credentials = new NetworkCredential("user", "pässword") };
        await RoundTripAsync(proxy, new Uri(server.Url + "/echo"), address, HttpVersion.Version11);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("wrong")]
    public async Task A_proxy_that_wants_other_credentials_is_named(string? password)
    {
        using var proxy = new Socks5Proxy("user", "password");
        var address = new WebProxy(proxy.Url);
        if (password is not null) address.Credentials = new NetworkCredential("user", password);
        var connecting = WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Proxy = address });
        (await proxy.ServeAsync().Guarding()).ShouldBeNull();
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.Proxy);
        error.Message.ShouldContain($"{proxy.Url.Authority} (the proxy)");
        error.Message.ShouldNotContain("wrong");
    }

    [Fact]
    public async Task A_proxy_that_can_not_reach_the_server_is_named()
    {
        using var proxy = new Socks5Proxy();
        var connecting = WebSocketClient.ConnectAsync(server.Url + "/echo", new() { Proxy = new WebProxy(proxy.Url) });
        await proxy.ServeAsync(reply: 5).Guarding(); // connection refused
        var error = await Should.ThrowAsync<HandshakeException>(connecting.Guarding());
        error.Failure.ShouldBe(ConnectFailure.Proxy);
    }

    private async Task RoundTripAsync(Socks5Proxy proxy, Uri url, WebProxy address, Version version)
    {
        var serving = proxy.ServeAsync();
        var connection = await WebSocketClient.ConnectAsync(
            url, new() { Proxy = address, Tls = server.Trust, HttpVersion = version }).Guarding();
        connection.HttpVersion.ShouldBe(version);
        await connection.SendAsync("through").Guarding();
        using var message = await connection.ReceiveAsync().Guarding();
        message.Text.ShouldBe("through");
        (await connection.CloseAsync().Guarding()).WasClean.ShouldBeTrue();
        await connection.Released.Guarding();
        (await serving.Guarding()).ShouldBe($"{url.Host}:{url.Port}");
    }
}
