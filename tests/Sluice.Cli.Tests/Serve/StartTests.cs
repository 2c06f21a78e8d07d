using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

public sealed class StartTests
{
    [Fact]
    public async Task It_prints_the_port_that_it_got_and_nothing_on_stdout()
    {
        await using var server = await RunningServer.ServeAsync();

        server.Url.Port.ShouldBeGreaterThan(0);
        (await server.GetAsync("/healthz")).ShouldBe((200, "ok\n"));
        server.Process.Output.Text.ShouldBeEmpty();
        server.Process.Error.Lines.ShouldBe([$"listening on http://127.0.0.1:{server.Url.Port}"]);
    }

    [Fact]
    public async Task It_listens_on_every_address_given()
    {
        await using var process = Command.Start("serve", "--listen", "http://127.0.0.1:0", "--listen", "https://127.0.0.2:0", "--tls");

        await process.Error.WaitForLineAsync("listening on http://127.0.0.1:");
        await process.Error.WaitForLineAsync("listening on https://127.0.0.2:");
    }

    [Fact]
    public async Task A_second_one_on_the_same_port_gives_1_and_says_what_to_do()
    {
        await using var first = await RunningServer.ServeAsync();
        var second = await Command.RunAsync("serve", "--listen", first.Url.GetLeftPart(UriPartial.Authority));

        second.ExitCode.ShouldBe(1);
        second.Error.ShouldContain("address already in use");
        second.Error.ShouldContain("choose another address with --listen");
        second.Error.ShouldNotContain("Exception");
        second.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldHaveSingleItem();
        (await first.GetAsync("/healthz")).Status.ShouldBe(200);
    }
}
