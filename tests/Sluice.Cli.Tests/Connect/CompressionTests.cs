using System.Text.Json;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Connect;

public sealed class CompressionTests
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Messages_are_compressed_when_both_sides_are_asked_to(bool serve, bool connect)
    {
        await using var server = await RunningServer.ServeAsync(serve ? ["--compress"] : []);
        var message = new string('x', 2000);
        var finished = await Command.RunWithInputAsync(
            message + "\n", ["connect", server.WebSocketUrl("/echo"), "--close-after", "1", "--json", .. connect ? (string[])["--compress"] : []]);

        finished.ExitCode.ShouldBe(0, finished.Error);
        var events = finished.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        events[0].GetProperty("compression").GetString().ShouldBe(serve && connect ? "permessage-deflate" : null);
        events.Single(one => one.GetProperty("event").GetString() == "message").GetProperty("text").GetString().ShouldBe(message);
        var metrics = await server.MetricsAsync();
        foreach (var direction in new[] { "received", "sent" })
        {
            var plain = metrics[$"sluice_compression_bytes_total{{direction=\"{direction}\",form=\"plain\"}}"];
            var deflated = metrics[$"sluice_compression_bytes_total{{direction=\"{direction}\",form=\"deflated\"}}"];
            plain.ShouldBe(serve && connect ? 2000 : 0);
            if (plain > 0) deflated.ShouldBeInRange(1, 50);
        }
    }
}
