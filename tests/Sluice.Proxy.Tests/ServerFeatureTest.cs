using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Logging;
using Sluice.Proxy.Tests.Support;
using TestHost = Sluice.Proxy.Tests.Support.TestHost;

namespace Sluice.Proxy.Tests;

/// <summary>What the proxy makes of what a server tells about a request, or does not tell.</summary>
public class ServerFeatureTest
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8::7", "2001:db8::7")]
    [InlineData("fe80::7%3", "fe80::7")]
    [InlineData(null, null)]
    public void The_clients_address_is_written_without_zone_and_mapping(string? address, string? chain)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);
        using var request = BackendRequest.Create(context.Request, "GET", new("http://a/"), "a", null, () => new ByteArrayContent([]));
        if (chain is null) request.Headers.Contains("X-Forwarded-For").ShouldBeFalse();
        else request.Headers.GetValues("X-Forwarded-For").ShouldBe([chain]);
    }

    [Fact]
    public async Task A_server_without_sockets_forwards_plain_requests()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        using var backend = new WireBackend();
        app.MapProxy("/{**path}", backend.Url + "/base");
        await app.StartAsync();
        using var client = app.GetTestClient();
        var answering = backend.AnswerAsync("HTTP/1.1 201 Made\r\nContent-Length: 2\r\n\r\nok");
        using var response = await client.GetAsync("/a%2Fb?c=%20d").Guarded();
        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        response.ReasonPhrase.ShouldBe("Made");
        (await response.Content.ReadAsStringAsync()).ShouldBe("ok");
        var head = await answering;
        head.Start.ShouldBe("GET /base/a%2Fb?c=%20d HTTP/1.1");
        head["X-Forwarded-For"].ShouldBeNull();
    }

    [Fact]
    public async Task A_route_limits_what_is_forwarded_also_for_paths_with_dots()
    {
        using var backend = new WireBackend();
        await using var proxy = await TestHost.StartAsync(app => app.MapProxy("/public/{**path}", backend.Url));
        (await proxy.AskAsync("GET /secret HTTP/1.1")).Head.Start.ShouldBe("HTTP/1.1 404 Not Found");
        (await proxy.AskAsync("GET /public/%2e%2e/secret HTTP/1.1")).Head.Start.ShouldBe("HTTP/1.1 404 Not Found");
        var answering = backend.AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        (await proxy.AskAsync("GET /secret/../public/x HTTP/1.1")).Head.Start.ShouldBe("HTTP/1.1 200 OK");
        (await answering).Start.ShouldBe("GET /public/x HTTP/1.1");
    }
}
