using Sluice.Peers;

namespace Sluice.Samples.Tests;

public class SampleTests
{
    [Fact]
    public async Task The_client_talks_to_the_server()
    {
        var (server, url) = await Sample.StartServerAsync("Server");
        await using (server) await ShouldGreet($"ws://{url.Authority}/echo");
    }

    [Fact]
    public async Task The_client_talks_to_the_server_through_the_proxy()
    {
        var (server, url) = await Sample.StartServerAsync("Server");
        await using var _ = server;
        var (proxy, front) = await Sample.StartServerAsync("Proxy", $"--backend=http://{url.Authority}");
        await using var __ = proxy;
        await ShouldGreet($"ws://{front.Authority}/echo");
    }

    [Fact]
    public async Task The_client_talks_to_frames_by_hand()
    {
        const string Ready = "listening on ";
        await using var server = Sample.Start("Frames");
        var line = await server.Output.WaitForLineAsync(line => line.StartsWith(Ready, StringComparison.Ordinal));
        await ShouldGreet(line[Ready.Length..]);
        (await server.WaitForExitAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData("echo")]
    [InlineData("fragments")]
    [InlineData("close")]
    [InlineData("burst")]
    public async Task Frames_by_hand_are_good_enough_for_a_peer(string scenario)
    {
        const string Ready = "listening on ";
        // The sample serves one client and ends, and each message kind of the echo scenario goes over one connection.
        await using var server = Sample.Start("Frames");
        var line = await server.Output.WaitForLineAsync(line => line.StartsWith(Ready, StringComparison.Ordinal));
        var result = await Peer.DotNet.RunClientAsync(new Uri(line[Ready.Length..]), scenario);
        result.ExitCode.ShouldBe(0, result.ToString());
    }

    private static async Task ShouldGreet(string url)
    {
        await using var client = Sample.Start("Client", url);
        (await client.WaitForExitAsync()).ShouldBe(0, await client.DescribeAsync());
        client.Output.Text.ShouldBe("hello\nclosed by this side with 1000\n");
    }
}
