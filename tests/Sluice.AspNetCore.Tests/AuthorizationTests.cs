using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

public class AuthorizationTests
{
    [Theory]
    [InlineData(null, 401)]
    [InlineData("anna", 101)]
    public async Task An_endpoint_may_require_authorization(string? user, int status)
    {
        await using var server = await StartAsync(
            app => app.MapWebSocket("/ws", async (context, connection) => await connection.SendAsync(context.User.Identity!.Name!)).RequireAuthorization());
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Authorization", user)));
        (await peer.ReadResponseAsync()).Status.ShouldBe(status);
        if (status == 101) (await peer.ReadFrameAsync()).Text.ShouldBe("anna");
    }

    [Theory]
    [InlineData(null, 401)]
    [InlineData("anna", 101)]
    public async Task It_is_not_passed_by_before_HTTP(string? user, int status)
    {
        await using var server = await StartAsync(
            app => app.MapWebSocket("/ws", Echo.Handler).RequireAuthorization(), listen => listen.UseDirectWebSockets());
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Authorization", user)));
        (await peer.ReadResponseAsync()).Status.ShouldBe(status);
    }

    private static Task<RunningServer> StartAsync(Action<WebApplication> map, Action<ListenOptions>? listen = null)
        => RunningServer.StartAsync(
            app =>
            {
                app.UseRouting();
                app.UseAuthentication();
                app.UseAuthorization();
                map(app);
            },
            listen,
            services: services =>
            {
                // Without AddAuthentication, which would write keys to the disk.
                services.AddAuthenticationCore(options => options.DefaultScheme = "header").AddWebEncoders().AddSingleton(TimeProvider.System);
                new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, HeaderAuthentication>("header", null);
                services.AddAuthorization();
            });

    [Fact]
    public async Task A_request_timeout_does_not_end_a_connection()
    {
        // The time-out would fire while the connection waits for its pings: each of them takes a second or more.
        var options = new WebSocketEndpointOptions { Connection = new ConnectionOptions { KeepAliveInterval = TimeSpan.FromMilliseconds(200) } };
        await using var server = await RunningServer.StartAsync(
            app =>
            {
                app.UseRequestTimeouts();
                app.MapWebSocket("/ws", (context, connection) => Task.WhenAny(connection.Closed, context.RequestAborted.UntilCanceled()), options)
                    .WithRequestTimeout(TimeSpan.FromMilliseconds(100));
            },
            services: services => services.AddRequestTimeouts());
        using var peer = await server.OpenAsync();
        for (var i = 0; i < 3; i++)
        {
            var ping = await peer.ReadFrameAsync();
            ping.First.ShouldBe((byte)0x89);
            await peer.SendAsync(MaskedFrame.Of(0x8a, ping.Payload));
        }
    }

    private sealed class HeaderAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            if (Request.Headers.Authorization.ToString() is not { Length: > 0 } name) return Task.FromResult(AuthenticateResult.NoResult());
            var identity = new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], Scheme.Name);
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }
    }
}
