using System.Globalization;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class EveryTests(SharedServer shared)
{
    private string Echo => shared.Server.WebSocketUrl("/echo");

    [Fact]
    public async Task The_time_is_sent_as_often_as_asked_for()
    {
        var before = DateTimeOffset.UtcNow;
        var finished = await Command.RunAsync("connect", Echo, "--every", "20ms", "--count", "3", "--close-after", "3");

        finished.ExitCode.ShouldBe(0, finished.Error);
        var times = finished.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => DateTimeOffset.ParseExact(line, "yyyy-MM-dd'T'HH:mm:ss.fffzzz", CultureInfo.InvariantCulture)).ToArray();
        times.Length.ShouldBe(3);
        times.ShouldBe(times.Order());
        times[0].ShouldBeGreaterThan(before.AddSeconds(-1));
        times[^1].ShouldBeLessThan(DateTimeOffset.UtcNow.AddSeconds(1));
    }

    [Fact]
    public async Task A_message_of_ones_own_is_sent_instead_and_the_answers_are_awaited()
    {
        var finished = await Command.RunWithInputAsync("not read\n", "connect", Echo, "--every", "10ms", "--count", "4", "--message", "still here");

        finished.ExitCode.ShouldBe(0, finished.Error);
        finished.Output.ShouldBe("still here\nstill here\nstill here\nstill here\n");
    }

    [Fact]
    public async Task Binary_sends_it_as_binary_until_the_server_has_enough()
    {
        using var server = new RawServer();
        await using var process = Command.Start("connect", server.WebSocketUrl, "--every", "5ms", "--message", "beat", "--binary");
        using var peer = await server.OpenAsync();
        for (var i = 0; i < 10; i++)
        {
            var frame = (await peer.ReadFrameAsync()).ShouldNotBeNull();
            frame.Opcode.ShouldBe(RawPeer.Binary);
            frame.Text.ShouldBe("beat");
        }
        await peer.SendCloseAsync(1000);
        await peer.ReadToCloseAsync();

        (await process.WaitForExitAsync()).ShouldBe(0);
    }
}
