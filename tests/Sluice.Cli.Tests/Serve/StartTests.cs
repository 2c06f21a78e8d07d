using System.Diagnostics;
using Sluice.Cli.Tests.Support;
using Sluice.Peers;

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

    [Fact]
    public async Task It_starts_where_the_directory_is_gone()
    {
        await using var process = Command.StartShell("cd \"$(mktemp -d)\" && rmdir \"$PWD\" && sluice serve --listen http://127.0.0.1:0");
        await process.Error.WaitForLineAsync("listening on http://127.0.0.1:");
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("proxy", "--to", "http://127.0.0.1:9/")]
    public async Task The_settings_of_another_program_in_the_same_directory_or_environment_open_no_port(params string[] verb)
    {
        var directory = Directory.CreateTempSubdirectory("sluice-start");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory.FullName, "appsettings.json"), """
                {
                  "Kestrel": { "Endpoints": { "Other": { "Url": "http://127.0.0.1:0" } } },
                  "Logging": { "LogLevel": { "Default": "Trace" } }
                }
                """);
            var start = new ProcessStartInfo("dotnet", [Command.Program, .. verb, "--listen", "http://127.0.0.1:0"]) { WorkingDirectory = directory.FullName };
            start.Environment["Kestrel__Endpoints__Third__Url"] = "http://127.0.0.1:0";
            await using var process = ProcessUnderTest.Start(start);
            await process.Error.WaitForLineAsync("listening on http://127.0.0.1:");
            process.Terminate();

            (await process.WaitForExitAsync()).ShouldBe(0);
            process.Error.Lines.ShouldHaveSingleItem();
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
