using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

/// <summary>Cross-site hijacking: a page of one origin that opens a WebSocket of another, in a real browser, which says so in
/// <c>Origin</c> and sends the user's cookies along.</summary>
public class CrossSiteTests(Chromium chromium, PageServer server) : PageTest(chromium, server)
{
    [Fact]
    public async Task A_page_on_another_port_is_refused_by_default()
    {
        await using var target = new PageServer();
        await target.StartAsync();
        await Page.Url.FillAsync(target.SocketUrl("/echo"));
        await Page.OpenButton.ClickAsync();
        await Expect(Page.Problems.First).ToBeVisibleAsync();
        await Page.StateIsAsync("Closed");

        await target.LogsAsync($"on /echo refused with 403: origin \"{Origin}\" may not connect");
        (await MetricsAsync(target)).ShouldContain("sluice_handshakes_refused_total{reason=\"Origin\"} 1\n");
    }

    [Fact]
    public async Task A_page_on_another_port_is_let_in_when_it_is_listed()
    {
        await using var target = new PageServer();
        await target.StartAsync("--origin", Origin);
        await Page.OpenAsync(target.SocketUrl("/echo"));
        await Page.SendAsync("from elsewhere");
        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("from elsewhere");

        // Whoever lists origins says all of them: the server's own page is not among them.
        await using var own = await SocketPage.VisitAsync(Chromium, target);
        await own.OpenButton.ClickAsync();
        await Expect(own.Problems.First).ToBeVisibleAsync();
        await target.LogsAsync("on /echo refused with 403: origin");
    }

    private string Origin => Server.Url.GetLeftPart(UriPartial.Authority);

    private static async Task<string> MetricsAsync(PageServer target)
    {
        using var client = new HttpClient();
        return await client.GetStringAsync(new Uri(target.Url, "/metrics"));
    }
}
