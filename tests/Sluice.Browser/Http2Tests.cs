using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

/// <summary>RFC 8441: over TLS a browser opens its WebSocket as a stream of the HTTP/2 connection that brought the page.</summary>
public class Http2Tests(Chromium chromium)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_servers_log_and_metrics_name_HTTP_2(bool compress)
    {
        await using var server = new PageServer();
        await server.StartSecureAsync(compress ? ["--verbose", "--compress"] : ["--verbose"]);
        await using var page = await SocketPage.VisitAsync(chromium, server, new BrowserNewContextOptions { IgnoreHTTPSErrors = true });
        await page.OpenAsync(server.SocketUrl("/echo"));
        var text = string.Concat(Enumerable.Repeat("over HTTP/2 ", 100));
        await page.SendAsync(text);
        await Expect(page.Received).ToContainTextAsync("over HTTP/2");
        (await server.LogsAsync("opened on /echo")).ShouldContain("over HTTP/2");
        var metrics = await (await page.Tab.Context.APIRequest.GetAsync(new Uri(server.Url, "/metrics").AbsoluteUri)).TextAsync();
        metrics.ShouldContain("sluice_handshakes_accepted_total{http=\"2\"} 1\n");
        if (compress) metrics.ShouldMatch("sluice_compression_bytes_total{direction=\"sent\",form=\"deflated\"} [1-9]");
        await page.CloseButton.ClickAsync();
        await page.StateIsAsync("Closed");
        await server.LogsAsync("closed by the peer with 1000");
    }
}
