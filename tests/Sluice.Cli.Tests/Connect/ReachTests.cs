using System.Text.Json;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

/// <summary>Over HTTP/2, through a proxy, with credentials.</summary>
public sealed class ReachTests
{
    [Theory]
    [InlineData(true, "2", 200)]
    [InlineData(false, "1.1", 101)]
    public async Task The_HTTP_version_is_told(bool http2, string version, int status)
    {
        await using var server = await RunningServer.ServeTlsAsync("--tls");
        string[] options = ["connect", server.WebSocketUrl("/echo"), "--insecure", "--json", "--close-after", "1", .. http2 ? ["--http2"] : Array.Empty<string>()];
        var finished = await Command.RunWithInputAsync("hello\n", options);
        finished.ExitCode.ShouldBe(0, finished.Error);
        using var connected = JsonDocument.Parse(finished.Output.Split('\n')[0]);
        connected.RootElement.GetProperty("event").GetString().ShouldBe("connected");
        connected.RootElement.GetProperty("http").GetString().ShouldBe(version);
        connected.RootElement.GetProperty("status").GetInt32().ShouldBe(status);
        finished.Output.ShouldContain("\"text\":\"hello\"");
    }

    [Fact]
    public async Task In_clear_text_http2_is_spoken_or_nothing()
    {
        await using var server = await RunningServer.ServeAsync();
        var finished = await Command.RunAsync("connect", server.WebSocketUrl("/echo"), "--http2");
        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("HTTP/2");
    }

    [Fact]
    public async Task A_proxy_gets_its_credentials_and_carries_the_connection()
    {
        using var proxy = new RawServer();
        await using var process = Command.Start("connect", "ws://server.example:81/path", "--proxy", $"http://us%65r:pass%3Aword@{proxy.Url.Authority}");
        using (var asked = await proxy.AcceptAsync())
        {
            (await asked.ReadHeadAsync()).ShouldStartWith("CONNECT server.example:81 HTTP/1.1\r\n");
            await asked.WriteAsync("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
        using var peer = await proxy.AcceptAsync();
        (await peer.ReadHeadAsync()).ShouldContain("Proxy-Authorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n");
        await peer.WriteAsync("HTTP/1.1 200 OK\r\n\r\n");
        (await peer.AcceptAsync()).ShouldStartWith("GET /path HTTP/1.1\r\n");
        await peer.SendAsync(RawPeer.Text, "through");
        (await process.Output.ReadLineAsync()).ShouldBe("through");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("ftp://user:secret@127.0.0.1/")]
    public async Task What_is_no_proxy_is_wrong_usage(string proxy)
    {
        var finished = await Command.RunAsync("connect", "ws://127.0.0.1:1/", "--proxy", proxy);
        finished.ExitCode.ShouldBe(2);
        finished.Error.ShouldContain("--proxy wants a URL");
        finished.Error.ShouldNotContain("secret");
    }

    [Theory]
    [InlineData("--user", "Aladdin:open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")]
    [InlineData("--bearer", "a.b.c", "Bearer a.b.c")]
    public async Task Credentials_are_shown(string option, string value, string header)
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, option, value);
        using var peer = await server.AcceptAsync();
        (await peer.AcceptAsync()).Split("\r\n").ShouldContain($"Authorization: {header}");
    }

    [Theory]
    [InlineData("--user", "nocolon")]
    [InlineData("--bearer", "a b")]
    [InlineData("--max-redirects", "51")]
    public async Task What_can_not_be_sent_is_wrong_usage(string option, string value)
        => (await Command.RunAsync("connect", "ws://127.0.0.1:1/", option, value)).ExitCode.ShouldBe(2);
}
