using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

public sealed class MetricsTests
{
    [Fact]
    public async Task The_values_change_as_they_should()
    {
        await using var server = await RunningServer.ServeAsync();
        var start = await server.MetricsAsync();
        start["sluice_connections_open"].ShouldBe(0);
        start["process_resident_memory_bytes"].ShouldBeGreaterThan(1e6);

        using var first = await server.ConnectAsync("/echo");
        using var second = await server.ConnectAsync("/echo");
        using var third = await RawPeer.ConnectAsync(server.Url, "/echo");
        for (var i = 0; i < 3; i++)
        {
            await first.SendTextAsync("four");
            await first.ReceiveTextAsync();
        }
        var open = await server.MetricsAsync();
        open["sluice_connections_open"].ShouldBe(3);
        open["sluice_connections_opened_total"].ShouldBe(3);
        open["sluice_messages_total{direction=\"received\"}"].ShouldBe(3);
        open["sluice_messages_total{direction=\"sent\"}"].ShouldBe(3);
        open["sluice_bytes_total{direction=\"received\"}"].ShouldBe(12);
        open["sluice_bytes_total{direction=\"sent\"}"].ShouldBe(12);

        await first.CloseNormallyAsync();
        await second.CloseNormallyAsync(4321);
        third.Reset();
        using (var evil = await RawPeer.DialAsync(server.Url)) await evil.RequestAsync(server.Url, "/echo", "Origin: http://evil.example");
        (await server.GetAsync("/echo")).Status.ShouldBe(426);
        var closed = await server.WaitForMetricsAsync(metrics => metrics["sluice_connections_open"] == 0);
        closed["sluice_connections_opened_total"].ShouldBe(3);
        closed["sluice_connections_closed_total{code=\"1000\"}"].ShouldBe(1);
        closed["sluice_connections_closed_total{code=\"4000\"}"].ShouldBe(1, "private codes are counted together");
        closed["sluice_connections_closed_total{code=\"1006\"}"].ShouldBe(1);
        closed["sluice_handshakes_refused_total{reason=\"Origin\"}"].ShouldBe(1);
        closed["sluice_handshakes_refused_total{reason=\"Upgrade\"}"].ShouldBe(1);
    }
}
