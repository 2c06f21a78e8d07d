using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Proxy;

public sealed class ProxyTests(SharedServer shared)
{
    [Fact]
    public async Task The_line_of_the_manual_prints_hello_through_the_proxy()
    {
        await using var proxy = await RunningServer.ProxyAsync(shared.Server.Url);
        await using var shell = Command.StartShell($"printf 'hello\\n' | sluice connect {proxy.WebSocketUrl("/echo")} --close-after 1");

        (await shell.WaitForExitAsync()).ShouldBe(0);
        shell.Output.Text.ShouldBe("hello\n");
    }

    [Fact]
    public async Task Every_path_is_the_backends()
    {
        await using var backend = await RunningServer.ServeAsync();
        await using var proxy = await RunningServer.ProxyAsync(backend.Url);

        (await proxy.GetAsync("/healthz")).ShouldBe((200, "ok\n"));
        (await proxy.GetAsync("/nowhere")).Status.ShouldBe(404);
        using var socket = await proxy.ConnectAsync("/echo");
        (await proxy.MetricsAsync())["sluice_connections_open"].ShouldBe(1, "the backend's connection");
    }

    [Fact]
    public async Task A_refusal_of_the_backend_reaches_the_client_as_it_is()
    {
        await using var proxy = await RunningServer.ProxyAsync(shared.Server.Url);
        string[] arguments = ["connect", proxy.WebSocketUrl("/echo"), "--origin", "http://evil.example"];
        var finished = await Command.RunAsync(arguments);

        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("403 Forbidden");
        finished.Error.ShouldContain("evil.example");
    }

    [Fact]
    public async Task A_backend_that_is_down_gives_502_and_3()
    {
        Uri backend;
        using (var server = new RawServer()) backend = server.Url;
        await using var proxy = await RunningServer.ProxyAsync(backend);

        (await proxy.GetAsync("/")).Status.ShouldBe(502);
        var finished = await Command.RunAsync("connect", proxy.WebSocketUrl("/echo"));
        finished.ExitCode.ShouldBe(3);
        finished.Error.ShouldContain("502");
    }

    [Fact]
    public async Task A_backend_that_does_not_answer_gives_504()
    {
        using var backend = new RawServer();
        await using var proxy = await RunningServer.ProxyAsync(backend.Url, "--response-timeout", "200ms");

        (await proxy.GetAsync("/")).Status.ShouldBe(504);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_path_is_joined_and_the_host_shown_as_asked_for(bool rewrites)
    {
        using var backend = new RawServer();
        string[] options = rewrites ? ["--rewrite-host"] : [];
        await using var proxy = await RunningServer.ProxyAsync(new Uri(backend.Url, "/app/"), options);
        await using var process = Command.Start("connect", proxy.WebSocketUrl("/chat?a=b"));
        using var peer = await backend.AcceptAsync();
        var lines = (await peer.AcceptAsync()).Split("\r\n");

        lines[0].ShouldBe("GET /app/chat?a=b HTTP/1.1");
        lines.ShouldContain($"Host: {(rewrites ? backend : null)?.Url.Authority ?? proxy.Url.Authority}");
        await peer.SendAsync(RawPeer.Text, "through");
        (await process.Output.ReadLineAsync()).ShouldBe("through");
    }

    [Fact]
    public async Task It_forwards_to_an_https_backend_with_insecure_only()
    {
        await using var backend = await RunningServer.ServeTlsAsync("--tls");
        await using (var careful = await RunningServer.ProxyAsync(backend.Url)) (await careful.GetAsync("/healthz")).Status.ShouldBe(502);
        await using var careless = await RunningServer.ProxyAsync(backend.Url, "--insecure");

        (await careless.GetAsync("/healthz")).ShouldBe((200, "ok\n"));
    }

    [Fact]
    public async Task A_signal_ends_it_with_0_within_the_drain_though_a_tunnel_is_open()
    {
        await using var proxy = await RunningServer.ProxyAsync(shared.Server.Url, "--drain", "1s");
        using var peer = await RawPeer.ConnectAsync(proxy.Url, "/echo");
        proxy.Process.Terminate();

        (await proxy.Process.WaitForExitAsync()).ShouldBe(0);
        await peer.ReadToEndAsync();
    }
}
