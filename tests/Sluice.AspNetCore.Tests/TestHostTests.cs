using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore.Tests.Support;

namespace Sluice.AspNetCore.Tests;

/// <summary>The in-memory test server offers no upgrade, only a WebSocket of its own: a handshake gets an answer that says so.</summary>
public class TestHostTests
{
    [Fact]
    public async Task A_server_that_can_t_switch_protocols_answers_501()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseTestServer();
        await using var app = builder.Build();
        app.MapWebSocket("/ws", Echo.Handler);
        await app.StartAsync();
        using var client = app.GetTestServer().CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ws") { Version = HttpVersion.Version11 };
        request.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        request.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", Handshakes.Key);
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
        using var response = await client.SendAsync(request).WaitAsync(RawPeer.Guard);
        response.StatusCode.ShouldBe(HttpStatusCode.NotImplemented);
        (await response.Content.ReadAsStringAsync()).ShouldContain("can't switch protocols");
    }
}
