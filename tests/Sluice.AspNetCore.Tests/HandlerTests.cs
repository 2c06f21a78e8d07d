using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

public class HandlerTests
{
    [Fact]
    public async Task A_handler_that_returns_closes_with_1000()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", async connection =>
        {
            using var message = await connection.ReceiveAsync();
            await connection.SendAsync(message);
        }));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Text("once"));
        (await peer.ReadFrameAsync()).Text.ShouldBe("once");
        (await peer.ReadCloseAsync()).ShouldBe((1000, ""));
        await peer.SendAsync(MaskedFrame.Close(1000));
        await peer.ShouldEndAsync();
        await server.Log.WaitForAsync("Closed");
        server.Log.OfSluice.ShouldHaveSingleItem().Level.ShouldBe(LogLevel.Debug);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_throws_closes_with_1011_and_an_error_in_the_log(bool asynchronously)
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", connection =>
            asynchronously ? ThrowLaterAsync(connection) : throw new InvalidTimeZoneException("my fault")));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Text("go"));
        (await peer.ReadCloseAsync()).ShouldBe((1011, "the handler failed"));
        await peer.SendAsync(MaskedFrame.Close(1011));
        await peer.ShouldEndAsync();
        await server.Log.WaitForAsync("Closed");
        var error = server.Log.OfSluice.Where(e => e.Level >= LogLevel.Warning).ShouldHaveSingleItem();
        error.Level.ShouldBe(LogLevel.Error);
        error.Error.ShouldBeOfType<InvalidTimeZoneException>();

        static async Task ThrowLaterAsync(WebSocketConnection connection)
        {
            using var message = await connection.ReceiveAsync();
            throw new InvalidTimeZoneException("my fault");
        }
    }

    [Fact]
    public async Task A_callback_that_throws_closes_with_1011_and_an_error_in_the_log()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", new Failing()));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Text("go"));
        (await peer.ReadCloseAsync()).ShouldBe((1011, "the handler failed"));
        await peer.SendAsync(MaskedFrame.Close(1011));
        await peer.ShouldEndAsync();
        var error = (await server.Log.WaitForAsync("HandlerFailed")).ShouldHaveSingleItem();
        error.Error.ShouldBeOfType<InvalidTimeZoneException>();
    }

    [Fact]
    public async Task A_send_to_a_closed_connection_is_no_error_of_the_handler()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", async connection =>
        {
            await connection.Closed;
            await connection.SendAsync("too late");
        }));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Close(1001, "gone"));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1001);
        await peer.ShouldEndAsync();
        (await server.Log.WaitForAsync("Closed"))[0].Message.ShouldEndWith("closed by the peer with 1001: gone");
        server.Log.OfSluice.Count().ShouldBe(1);
    }

    [Theory]
    [InlineData("receive", "FIN")]
    [InlineData("receive", "RST")]
    [InlineData("callbacks", "FIN")]
    [InlineData("callbacks", "RST")]
    [InlineData("RequestAborted", "FIN")]
    [InlineData("RequestAborted", "RST")]
    public async Task A_client_that_vanishes_is_one_line_in_the_log(string handler, string how)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", async (context, connection) =>
        {
            try
            {
                await connection.SendAsync("ready");
                if (handler == "receive") (await connection.ReceiveAsync()).IsClose.ShouldBeTrue();
                else if (handler == "callbacks") await connection.RunAsync(Echo.Handler);
                else await context.RequestAborted.UntilCanceled();
            }
            finally
            {
                ended.SetResult();
            }
        }));
        using var peer = await server.OpenAsync();
        (await peer.ReadFrameAsync()).Text.ShouldBe("ready");
        if (how == "FIN") peer.Dispose();
        else peer.Reset();
        await ended.Task.WaitAsync(RawPeer.Guard);
        var line = (await server.Log.WaitForAsync("ClosedAbnormally")).ShouldHaveSingleItem();
        line.Message.ShouldContain("closed by the peer with 1006: ");
        line.Error.ShouldBeNull();
        server.Log.OfSluice.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task OnClosed_is_told_how_it_ended_and_may_throw()
    {
        CloseResult? told = null;
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", Echo.Handler, new WebSocketEndpointOptions
        {
            OnClosed = (_, result) =>
            {
                told = result;
                throw new InvalidTimeZoneException("my fault");
            },
        }));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Close(4001, "enough"));
        (await peer.ReadCloseAsync()).Code.ShouldBe(4001);
        await peer.ShouldEndAsync();
        (await server.Log.WaitForAsync("CallbackFailed"))[0].Error.ShouldBeOfType<InvalidTimeZoneException>();
        told.ShouldNotBeNull().ShouldSatisfyAllConditions(
            result => result.Code.ShouldBe((CloseCode)4001), result => result.Reason.ShouldBe("enough"), result => result.WasClean.ShouldBeTrue());
    }

    [Fact]
    public async Task An_abort_after_the_end_does_nothing()
    {
        WebSocketConnection? kept = null;
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", connection =>
        {
            kept = connection;
            return Task.CompletedTask;
        }));
        using var peer = await server.OpenAsync();
        await peer.ReadCloseAsync();
        await peer.SendAsync(MaskedFrame.Close(1000));
        await peer.ShouldEndAsync();
        await server.Log.WaitForAsync("Closed");
        await server.StopAsync(); // so that the request has ended, not only the connection
        kept.ShouldNotBeNull().Abort();
    }

    [Fact]
    public async Task An_abort_ends_the_transport_at_once()
    {
        await using var server = await RunningServer.StartAsync(app => app.MapWebSocket("/ws", async connection =>
        {
            using var message = await connection.ReceiveAsync();
            connection.Abort();
        }));
        using var peer = await server.OpenAsync();
        await peer.SendAsync(MaskedFrame.Text("go"));
        await peer.ReadToAnyEndAsync();
        (await server.Log.WaitForAsync("ClosedAbnormally"))[0].Message.ShouldContain("closed by this side with 1006: aborted");
    }

    [Fact]
    public async Task An_upgrader_serves_a_middleware_of_one_s_own()
    {
        await using var server = await RunningServer.StartAsync(app =>
        {
            var upgrader = new Upgrader(options: null, app.Logger);
            Microsoft.AspNetCore.Builder.RunExtensions.Run(app, async context =>
            {
                if (await upgrader.UpgradeAsync(context) is not { } connection) return;
                await using (connection) await connection.SendAsync(context.Request.Path.Value!);
            });
        });
        using var peer = await server.OpenAsync("/anywhere");
        (await peer.ReadFrameAsync()).Text.ShouldBe("/anywhere");
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
    }

    private sealed class Failing : IWebSocketHandler
    {
        public ValueTask OnMessageAsync(WebSocketConnection connection, MessageType type, ReadOnlyMemory<byte> payload)
            => throw new InvalidTimeZoneException("my fault");
    }
}
