using System.Text;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

/// <summary>WebSockets that are answered before HTTP begins. Which way a request took, the application's middleware tells: it
/// sees what comes through HTTP.</summary>
public class DirectTests
{
    private int _throughHttp;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_handshake_is_answered_before_HTTP_begins(bool tls)
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler), tls);
        using var accepted = new Counted("sluice.handshakes.accepted");
        using var peer = await server.ConnectAsync();
        if (tls) await peer.SecureAsync();
        await peer.SendAsync([.. Bytes(Handshakes.Request(server.Port, "/ws")), .. MaskedFrame.Text("early")]);
        var response = await peer.ReadResponseHeadAsync();
        response.StatusLine.ShouldBe("HTTP/1.1 101 Switching Protocols");
        response["Upgrade"].ShouldBe("websocket");
        response["Connection"].ShouldBe("Upgrade");
        response["Sec-WebSocket-Accept"].ShouldBe(Handshakes.Accept);
        response.Headers.Length.ShouldBe(3);
        (await peer.ReadFrameAsync()).Text.ShouldBe("early");
        await peer.SendAsync(MaskedFrame.Close(1000));
        (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
        await peer.ShouldEndAsync();
        _throughHttp.ShouldBe(0);
        await server.Log.WaitForAsync("Opened");
        await server.Log.WaitForAsync("Closed");
        accepted.Counts.ShouldBe(new Dictionary<string, long> { ["1.1"] = 1 });
    }

    [Fact]
    public async Task A_subprotocol_is_agreed_on()
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler, new() { Subprotocols = ["b", "a"] }));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", ("Sec-WebSocket-Protocol", "a, b")));
        (await peer.ReadResponseHeadAsync())["Sec-WebSocket-Protocol"].ShouldBe("b");
        _throughHttp.ShouldBe(0);
    }

    [Theory]
    [InlineData("Sec-WebSocket-Version", "12", 426)]
    [InlineData("Origin", "http://evil.test", 403)]
    [InlineData("Sec-WebSocket-Key", "AA==", 400)]
    [InlineData("Content-Length", "1", 400)]
    [InlineData("Upgrade", null, 426)]
    public async Task What_must_be_refused_is_refused_by_HTTP(string name, string? value, int status)
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/ws", (name, value)));
        (await peer.ReadResponseAsync()).Status.ShouldBe(status);
        await peer.ReadToAnyEndAsync(); // a body that was announced and never comes is answered with a reset
        _throughHttp.ShouldBe(1);
    }

    [Fact]
    public async Task A_handshake_that_comes_in_pieces_takes_the_way_through_HTTP()
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var peer = await server.ConnectAsync();
        foreach (var b in Bytes(Handshakes.Request(server.Port, "/ws"))) await peer.SendAsync([b]);
        (await peer.ReadResponseHeadAsync()).Status.ShouldBe(101);
        await peer.SendAsync(MaskedFrame.Text("x"));
        (await peer.ReadFrameAsync()).Text.ShouldBe("x");
    }

    [Fact]
    public async Task Requests_that_ask_for_no_WebSocket_reach_HTTP_on_the_same_connection_as_upgrades_do()
    {
        await using var server = await StartAsync(app =>
        {
            app.MapWebSocket("/ws", Echo.Handler);
            app.MapGet("/page", (RequestDelegate)(context => context.Response.WriteAsync("page")));
        });
        using var peer = await server.ConnectAsync();
        await peer.SendAsync($"GET /page HTTP/1.1\r\nHost: 127.0.0.1:{server.Port}\r\nContent-Length: 0\r\n\r\n");
        (await peer.ReadResponseHeadAsync()).Status.ShouldBe(200);
        _throughHttp.ShouldBe(1);
    }

    public static TheoryData<string, Action<WebApplication>> ThroughHttp => new()
    {
        { "the handler asks for the context", app => app.MapWebSocket("/ws", (_, connection) => connection.RunAsync(Echo.Handler)) },
        { "it is told of the end", app => app.MapWebSocket("/ws", Echo.Handler, new() { OnClosed = static (_, _) => { } }) },
        { "a host is asked for", app => app.MapWebSocket("/ws", Echo.Handler).RequireHost("127.0.0.1") },
        { "it has metadata of its own", app => app.MapWebSocket("/ws", Echo.Handler).WithMetadata("mine") },
        {
            "a convention wraps it", app => app.MapWebSocket("/ws", Echo.Handler).Add(endpoint =>
            {
                var inner = endpoint.RequestDelegate!;
                endpoint.RequestDelegate = context => inner(context);
            })
        },
    };

    [Theory]
    [MemberData(nameof(ThroughHttp), DisableDiscoveryEnumeration = true)]
    public async Task An_endpoint_that_needs_HTTP_gets_it(string why, Action<WebApplication> map)
    {
        await using var server = await StartAsync(map);
        using var peer = await server.OpenAsync();
        _throughHttp.ShouldBe(1, why);
    }

    public static TheoryData<string, Action<IServiceCollection>> Guards => new()
    {
        { "a fallback policy", s => s.AddAuthorization(o => o.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAssertion(_ => true).Build()) },
        { "allowed hosts", s => s.Configure<HostFilteringOptions>(o => o.AllowedHosts = ["127.0.0.1"]) },
    };

    [Theory]
    [MemberData(nameof(Guards), DisableDiscoveryEnumeration = true)]
    public async Task What_guards_every_request_is_not_passed_by(string what, Action<IServiceCollection> guard)
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler), services: guard);
        using var peer = await server.OpenAsync();
        _throughHttp.ShouldBe(1, what);
    }

    [Theory]
    [InlineData("/rooms/one", "room one")]
    [InlineData("/ROOMS/One?x=1", "room One")]
    [InlineData("/rooms/fixed", "fixed")]
    [InlineData("/", "root")]
    [InlineData("/any/thing/else", "rest any/thing/else")]
    public async Task Routes_match_as_routing_does(string path, string expected)
    {
        await using var server = await StartAsync(app =>
        {
            app.MapWebSocket("/{**rest}", request => Says("rest " + request.RouteValues["rest"]));
            app.MapWebSocket("/rooms/{room:maxlength(4)}", request => Says("room " + request.RouteValues["room"]));
            app.MapWebSocket("/rooms/fixed", (WebSocketRequest _) => Says("fixed"));
            app.MapWebSocket("/", (WebSocketRequest _) => Says("root"));
        });
        using var peer = await server.OpenAsync(path);
        (await peer.ReadFrameAsync()).Text.ShouldBe(expected);
        _throughHttp.ShouldBe(0);
    }

    [Theory]
    [InlineData("/both")]
    [InlineData("/b%6fth")]
    [InlineData("/a/../both")]
    [InlineData("/both/")]
    public async Task A_path_that_is_not_plain_or_has_two_endpoints_is_left_to_routing(string path)
    {
        await using var server = await StartAsync(app =>
        {
            app.MapWebSocket("/both", Echo.Handler);
            app.MapPost("/both", (RequestDelegate)(context => context.Response.WriteAsync("posted")));
        });
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, path));
        await peer.ReadResponseHeadAsync();
        _throughHttp.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_is_chosen_by_the_request(bool direct)
    {
        WebSocketRequest? seen = null;
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/rooms/{room}", request =>
            {
                seen = request;
                return Says(
                    $"{request.Path} {request.QueryString} {request.RouteValues["room"]} {request.Query["self"]} {request.Headers["X-A"]} "
                    + $"{request.Headers.Host.Count} {request.Protocol} {request.Scheme} {request.Services.GetService<Marker>() is not null}");
            }),
            listen =>
            {
                if (direct) listen.UseDirectWebSockets();
            },
            services: services => services.AddSingleton<Marker>());
        using var peer = await server.ConnectAsync();
        await peer.SendAsync(Handshakes.Request(server.Port, "/rooms/a?self=t%20rue&b", ("X-A", "1"), ("x-a", "2")));
        (await peer.ReadResponseHeadAsync()).Status.ShouldBe(101);
        (await peer.ReadFrameAsync()).Text.ShouldBe("/rooms/a ?self=t%20rue&b a t rue 1,2 1 HTTP/1.1 http True");
        seen!.RemoteEndPoint!.ToString().ShouldStartWith("127.0.0.1:");
        seen.ConnectionId.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_choice_that_fails_closes_with_1011()
    {
        await using var server = await StartAsync(app => app.MapWebSocket(
            "/ws", static (WebSocketRequest _) => ((Func<WebSocketConnection, Task>[])[])[0]));
        using var peer = await server.OpenAsync();
        (await peer.ReadCloseAsync()).Code.ShouldBe(1011);
        await peer.SendAsync(MaskedFrame.Close(1011));
        await peer.ShouldEndAsync();
        await server.Log.WaitForAsync("HandlerFailed");
    }

    [Fact]
    public async Task A_client_that_has_ended_its_side_is_answered()
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        for (var i = 0; i < 50; i++)
        {
            using var peer = await server.ConnectAsync();
            await peer.SendAsync([.. Bytes(Handshakes.Request(server.Port, "/ws")), .. MaskedFrame.Text("hello"), .. MaskedFrame.Close(1000)]);
            peer.HalfClose();
            (await peer.ReadResponseHeadAsync()).Status.ShouldBe(101);
            (await peer.ReadFrameAsync()).Text.ShouldBe("hello");
            (await peer.ReadCloseAsync()).Code.ShouldBe(1000);
            await peer.ShouldEndAsync();
        }
        _throughHttp.ShouldBe(0);
    }

    [Fact]
    public async Task A_connection_that_sends_nothing_is_ended_in_time()
    {
        await using var server = await RunningServer.StartAsync(
            app => app.MapWebSocket("/ws", Echo.Handler), listen => listen.UseDirectWebSockets(),
            limits => limits.KeepAliveTimeout = TimeSpan.FromMilliseconds(200));
        using var peer = await server.ConnectAsync();
        await peer.ShouldEndAsync();
    }

    [Fact]
    public async Task A_shutdown_ends_silent_connections_and_closes_open_ones_with_1001()
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler));
        using var silent = await server.ConnectAsync();
        using var open = await server.OpenAsync();
        var stopping = server.StopAsync();
        (await open.ReadCloseAsync()).Code.ShouldBe(1001);
        await open.SendAsync(MaskedFrame.Close(1001));
        await open.ShouldEndAsync();
        await silent.ReadToAnyEndAsync();
        await stopping;
    }

    [Fact]
    public async Task Limits_hold_for_both_ways_together()
    {
        await using var server = await StartAsync(app => app.MapWebSocket("/ws", Echo.Handler, new() { Limits = new() { MaxConnections = 1 } }));
        for (var i = 0; i < 3; i++)
        {
            using var first = await server.OpenAsync();
            using var second = await server.ConnectAsync();
            await second.SendAsync(Handshakes.Request(server.Port, "/ws"));
            (await second.ReadResponseAsync()).Status.ShouldBe(503);
            await first.SendAsync(MaskedFrame.Close(1000));
            await first.ReadCloseAsync();
            await first.ShouldEndAsync();
            await server.Log.WaitForAsync("Closed", i + 1);
        }
        _throughHttp.ShouldBe(3);
    }

    [Fact]
    public void A_listener_must_be_given() => Should.Throw<ArgumentNullException>(() => DirectListening.UseDirectWebSockets(null!));

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private Task<RunningServer> StartAsync(Action<WebApplication> map, bool tls = false, Action<IServiceCollection>? services = null) => RunningServer.StartAsync(
        app =>
        {
            app.Use((context, next) =>
            {
                Interlocked.Increment(ref _throughHttp);
                return next(context);
            });
            map(app);
        },
        listen =>
        {
            if (tls) listen.UseHttps(TestCertificate.Instance);
            listen.UseDirectWebSockets();
        },
        services: services);

    private sealed class Marker;

    private static Func<WebSocketConnection, Task> Says(string text) => async connection =>
    {
        await connection.SendAsync(text);
        await connection.ReceiveAsync();
    };
}
