using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

/// <summary>How many may be open, in all and from one address, over all endpoints of a host.</summary>
public class ConnectionLimitTests
{
    [Theory]
    [InlineData(true, false, 503, "Capacity", "the server has as many open WebSockets as it may")]
    [InlineData(false, false, 429, "Address", "your address has as many open WebSockets as it may")]
    [InlineData(true, true, 503, "Capacity", "the server has as many open WebSockets as it may")]
    [InlineData(false, true, 429, "Address", "your address has as many open WebSockets as it may")]
    public async Task One_more_is_refused_with_a_reason_and_a_time_to_come_back(bool inAll, bool direct, int status, string reason, string message)
    {
        using var metrics = new ConnectionMetrics();
        using var counted = new Counted("sluice.handshakes.refused");
        var limits = inAll ? new ConnectionLimits { MaxConnections = 2 } : new ConnectionLimits { MaxConnectionsPerAddress = 2 };
        var options = new WebSocketEndpointOptions { Limits = limits, Connection = new ConnectionOptions { Metrics = metrics } };
        await using var server = await RunningServer.StartAsync(app =>
        {
            app.MapWebSocket("/ws", Echo.Handler, options);
            app.MapWebSocket("/other", (_, connection) => connection.RunAsync(Echo.Handler), options); // not to be had without HTTP
        }, listen => _ = direct ? listen.UseDirectWebSockets() : listen);
        using var first = await server.OpenAsync();
        using var second = await server.OpenAsync("/other");
        using var third = await server.ConnectAsync();
        await third.SendAsync(Handshakes.Request(server.Port, "/ws"));
        var response = await third.ReadResponseAsync();
        response.Status.ShouldBe(status);
        response["Retry-After"].ShouldBe("10");
        response["Connection"].ShouldBe("close");
        response.Body.ShouldStartWith(message);
        await third.ShouldEndAsync();
        counted.Counts[reason].ShouldBe(1);
        (await server.Log.WaitForAsync("Refused")).Single().Message.ShouldStartWith($"handshake from 127.0.0.1 on /ws refused with {status}: {message}");

        await first.SendAsync(MaskedFrame.Close(1000));
        await first.ReadCloseAsync();
        await first.ShouldEndAsync();
        await server.Log.WaitForAsync("Closed");
        using var fourth = await server.OpenAsync("/ws");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_listener_that_fails_costs_no_connection_and_no_place(bool direct)
    {
        using var metrics = new ConnectionMetrics();
        using var listener = new MeterListener();
        listener.InstrumentPublished = static (instrument, own) =>
        {
            if (instrument.Name == "sluice.handshakes.accepted") own.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>(static (_, _, _, _) => throw new InvalidOperationException("the listener failed"));
        listener.Start();
        var options = new WebSocketEndpointOptions
        {
            Limits = new ConnectionLimits { MaxConnections = 1 },
            Connection = new ConnectionOptions { Metrics = metrics },
        };
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/ws", Echo.Handler, options), listen => _ = direct ? listen.UseDirectWebSockets() : listen);
        for (var i = 1; i <= 2; i++)
        {
            using var peer = await server.OpenAsync();
            await peer.SendAsync(MaskedFrame.Close(1000));
            (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
            await peer.ShouldEndAsync();
            await server.Log.WaitForAsync("Closed", count: i);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_that_was_cut_frees_its_place(bool direct)
    {
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/ws", Echo.Handler, new WebSocketEndpointOptions { Limits = new ConnectionLimits { MaxConnections = 1 } }),
            listen => _ = direct ? listen.UseDirectWebSockets() : listen);
        for (var i = 1; i <= 3; i++)
        {
            using var peer = await server.OpenAsync();
            peer.Reset();
            await server.Log.WaitForAsync("ClosedAbnormally", count: i);
        }
    }

    [Fact]
    public void Networks_of_64_bits_count_as_one_address_and_mapped_addresses_as_what_they_are()
    {
        var count = new ConnectionCount();
        var limits = new ConnectionLimits { MaxConnections = 100, MaxConnectionsPerAddress = 2 };
        ConnectionCount.Answer Enter(string address) => count.TryEnter(IPAddress.Parse(address), limits);
        Enter("2001:db8:0:1::1").ShouldBe(ConnectionCount.Answer.Entered);
        Enter("2001:db8:0:1:ffff::2").ShouldBe(ConnectionCount.Answer.Entered);
        Enter("2001:db8:0:1:8000::3").ShouldBe(ConnectionCount.Answer.TooManyFromAddress);
        Enter("2001:db8:0:2::1").ShouldBe(ConnectionCount.Answer.Entered);
        Enter("192.0.2.1").ShouldBe(ConnectionCount.Answer.Entered);
        Enter("::ffff:192.0.2.1").ShouldBe(ConnectionCount.Answer.Entered);
        Enter("192.0.2.1").ShouldBe(ConnectionCount.Answer.TooManyFromAddress);
        Enter("192.0.2.2").ShouldBe(ConnectionCount.Answer.Entered);
        Enter("::c000:201").ShouldBe(ConnectionCount.Answer.Entered, "another than 192.0.2.1");
        for (var i = 0; i < 93; i++) count.TryEnter(address: null, limits).ShouldBe(ConnectionCount.Answer.Entered);
        count.TryEnter(address: null, limits).ShouldBe(ConnectionCount.Answer.TooMany);
        count.Leave(IPAddress.Parse("2001:db8:0:1::1"));
        Enter("2001:db8:0:1:8000::3").ShouldBe(ConnectionCount.Answer.Entered);
    }

    [Fact]
    public void A_limit_of_nothing_is_refused()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new ConnectionLimits { MaxConnections = 0 });
        Should.Throw<ArgumentOutOfRangeException>(() => new ConnectionLimits { MaxConnectionsPerAddress = -1 });
    }
}
