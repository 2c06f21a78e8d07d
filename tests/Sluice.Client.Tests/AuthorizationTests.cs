namespace Sluice.Client.Tests;

public sealed class AuthorizationTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task RFC_7617_user_and_password_are_sent_in_UTF_8()
    {
        // The example of RFC 7617 §2.1.
        (await SendAsync(Authorization.Basic("test", "123\u00a3"))).ShouldBe(["Basic dGVzdDoxMjPCow=="]);
    }

    [Fact]
    public async Task RFC_6750_a_token_is_sent_as_it_is()
        => (await SendAsync(Authorization.Bearer("mF_9.B5f-4.1JqM"))).ShouldBe(["Bearer mF_9.B5f-4.1JqM"]);

    [Fact]
    public void It_does_not_show_its_secret()
    {
        var options = new WebSocketClientOptions { Authorization = Authorization.Bearer("secret") };
        options.ToString().ShouldNotContain("secret");
        options.ToString().ShouldContain("Bearer …");
    }

    [Theory]
    [InlineData("a:b", "c")]
    [InlineData("a\r\nX: y", "c")]
    [InlineData("a", "c\r\n")]
    public void RFC_7617_what_can_not_be_sent_is_refused(string user, string password)
        => Should.Throw<ArgumentException>(() => Authorization.Basic(user, password));

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\r\nX: y")]
    public void RFC_6750_what_is_no_token_is_refused(string token) => Should.Throw<ArgumentException>(() => Authorization.Bearer(token));

    [Fact]
    public async Task A_header_beside_it_contradicts_it()
    {
        var options = new WebSocketClientOptions { Authorization = Authorization.Bearer("a"), Headers = [new("authorization", "Bearer b")] };
        await Should.ThrowAsync<ArgumentException>(async () => await WebSocketClient.ConnectAsync(_server.Url, options));
    }

    private async Task<IReadOnlyList<string>> SendAsync(Authorization authorization)
    {
        var connecting = WebSocketClient.ConnectAsync(_server.Url, new() { Authorization = authorization });
        using var peer = await _server.OpenAsync();
        (await connecting.Guarding()).Abort();
        return peer.Values("Authorization");
    }
}
