using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Text.RegularExpressions;
using Sluice.Cli.Tests.Support;

namespace Sluice.Cli.Tests.Serve;

/// <summary>After all others, alone.</summary>
[CollectionDefinition(nameof(ManyConnectionsTests), DisableParallelization = true)]
[Collection(nameof(ManyConnectionsTests))]
public sealed partial class ManyConnectionsTests
{
    private const int Idle = 5000;
    private const int Busy = 50;
    private const int Crowd = 1000; // fewer are not worth a collection
    private const int RoundTrips = 200;
    private const int Addresses = 5; // ports of one address would run short together with those in TIME_WAIT
    private const double MiB = 1024 * 1024;
    private const double Bound = 15; // twice what it grows by for other reasons, as code that is compiled; 3 KiB for each connection would be as much again

    [Fact]
    public async Task Five_thousand_idle_and_fifty_busy_at_once_do_not_fail_and_leave_no_memory_behind()
    {
        await using var server = await RunningServer.ServeAsync();
        await RunBusyAsync(server, Task.CompletedTask); // so that what is compared is not a server that has compiled nothing yet
        var start = await server.WaitForMetricsAsync(metrics => metrics["sluice_connections_open"] == 0);
        var idle = new RawPeer[Idle];
        try
        {
            await Parallel.ForAsync(0, Idle, new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) => idle[i] = await OpenAsync(server, i));
            var seen = new TaskCompletionSource();
            var busy = RunBusyAsync(server, seen.Task);
            var open = await server.WaitForMetricsAsync(metrics => metrics["sluice_connections_open"] == Idle + Busy);
            seen.SetResult();
            await busy;
            await Parallel.ForAsync(0, Idle, async (i, _) =>
            {
                await idle[i].SendAsync(RawPeer.Text, $"{i}");
                (await idle[i].ReadFrameAsync()).ShouldNotBeNull("an idle connection was lost").Text.ShouldBe($"{i}");
            });
            await Parallel.ForAsync(0, Idle, async (i, _) => await LeaveAsync(idle[i], politely: i % 2 == 0));

            await server.WaitForMetricsAsync(metrics => metrics["sluice_connections_open"] == 0);
            await server.Process.Error.WaitForLineAsync(SaysCollectedBehindTheCrowd);
            var end = await server.MetricsAsync();
            end["sluice_connections_closed_total{code=\"1000\"}"].ShouldBe((2 * Busy) + (Idle / 2));
            end["sluice_connections_closed_total{code=\"1006\"}"].ShouldBe(Idle / 2);
            TestContext.Current.SendDiagnosticMessage(
                "resident memory: {0:0} MiB at the start, {1:0} with {2} connections, {3:0} at the end",
                Memory(start), Memory(open), Idle + Busy, Memory(end));
            Memory(end).ShouldBeLessThan(Memory(start) + Bound);
        }
        finally
        {
            foreach (var peer in idle) peer?.Dispose();
        }
    }

    // It is collected once for each crowd: perhaps while the last of this one are going, and then no more.
    private static bool SaysCollectedBehindTheCrowd(string line)
        => Collected().Match(line) is { Success: true } found && int.Parse(found.Groups["open"].ValueSpan, CultureInfo.InvariantCulture) < Crowd;

    [GeneratedRegex("with (?<open>[0-9]+) connections open, resident memory was", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Collected();

    private static double Memory(Dictionary<string, double> metrics) => metrics["process_resident_memory_bytes"] / MiB;

    private static async Task<RawPeer> OpenAsync(RunningServer server, int number)
    {
        var peer = await RawPeer.DialAsync(server.Url, IPAddress.Parse($"127.0.0.{1 + (number % Addresses)}"));
        (await peer.RequestAsync(server.Url, "/echo")).ShouldStartWith("HTTP/1.1 101 ");
        return peer;
    }

    private static Task RunBusyAsync(RunningServer server, Task until)
        => Task.WhenAll(Enumerable.Range(0, Busy).Select(number => Task.Run(() => ConverseAsync(server, number, until))));

    private static async Task ConverseAsync(RunningServer server, int number, Task until)
    {
        using var socket = await server.ConnectAsync("/echo");
        var random = new Random(number);
        for (var i = 0; i < RoundTrips || !until.IsCompleted; i++)
        {
            var payload = new byte[random.Next(1, 20_000)];
            random.NextBytes(payload);
            await socket.SendBinaryAsync(payload);
            var echo = await socket.ReceiveMessageAsync();
            echo.Type.ShouldBe(WebSocketMessageType.Binary);
            echo.Payload.AsSpan().SequenceEqual(payload).ShouldBeTrue();
        }
        await socket.CloseNormallyAsync();
    }

    private static async Task LeaveAsync(RawPeer peer, bool politely)
    {
        if (!politely)
        {
            peer.Reset();
            return;
        }
        await peer.SendCloseAsync(1000);
        (await peer.ReadCloseAsync()).ShouldBe(1000);
        peer.Dispose();
    }
}
