using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class TlsTests
{
    [Fact]
    public async Task A_self_signed_certificate_is_taken_with_insecure_only()
    {
        await using var server = await RunningServer.ServeTlsAsync("--tls");
        server.Url.Scheme.ShouldBe("https");

        var refused = await Command.RunAsync("connect", server.WebSocketUrl("/echo"));
        refused.ExitCode.ShouldBe(3);
        refused.Output.ShouldBeEmpty();
        refused.Error.ShouldContain("TLS handshake");
        refused.Error.ShouldContain("--insecure");

        var taken = await Command.RunWithInputAsync("hello\n", "connect", server.WebSocketUrl("/echo"), "--insecure", "--close-after", "1");
        taken.ExitCode.ShouldBe(0, taken.Error);
        taken.Output.ShouldBe("hello\n");
    }

    [Fact]
    public async Task A_certificate_is_taken_from_its_authority_only()
    {
        using var certificates = new Certificates();
        await using var server = await RunningServer.ServeTlsAsync("--cert", certificates.Server, "--key", certificates.ServerKey);

        var taken = await Command.RunWithInputAsync("hello\n", "connect", server.WebSocketUrl("/echo"), "--cacert", certificates.Authority, "--close-after", "1");
        taken.ExitCode.ShouldBe(0, taken.Error);
        taken.Output.ShouldBe("hello\n");

        foreach (var options in (string[][])[[], ["--cacert", certificates.OtherAuthority]])
        {
            var refused = await Command.RunAsync(["connect", server.WebSocketUrl("/echo"), .. options]);
            refused.ExitCode.ShouldBe(3);
            refused.Error.ShouldContain("TLS handshake");
        }
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        using var certificates = new Certificates();
        await using var server = await RunningServer.ServeTlsAsync("--cert", certificates.Server, "--key", certificates.ServerKey);

        var refused = await Command.RunAsync("connect", $"wss://localhost:{server.Url.Port}/echo", "--cacert", certificates.Authority);
        refused.ExitCode.ShouldBe(3);
        refused.Error.ShouldContain("TLS handshake");
    }

    [Fact]
    public async Task Plain_text_to_a_TLS_port_gives_3()
    {
        await using var server = await RunningServer.ServeTlsAsync("--tls");

        var refused = await Command.RunAsync("connect", $"ws://{server.Url.Authority}/echo");
        refused.ExitCode.ShouldBe(3);
    }
}
