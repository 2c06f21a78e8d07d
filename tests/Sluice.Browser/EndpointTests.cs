using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

/// <summary>The page together with the endpoints that its quick links lead to.</summary>
public class EndpointTests(Chromium chromium, PageServer server) : PageTest(chromium, server)
{
    [Theory]
    [InlineData("/echo")]
    [InlineData("/push")]
    [InlineData("/rooms/lobby")]
    public async Task A_quick_link_fills_in_a_url_that_opens(string path)
    {
        await Page.Url.FillAsync("");
        await Page.Tab.GetByRole(AriaRole.Button, new() { Name = path, Exact = true }).ClickAsync();
        await Expect(Page.Url).ToHaveValueAsync(Server.SocketUrl(path));
        await Expect(Page.OpenButton).ToBeFocusedAsync();

        await Page.OpenAsync();
    }

    [Fact]
    public async Task What_the_server_pushes_is_shown_as_it_comes()
    {
        await Page.OpenAsync("/push?every=10ms&message=tick");

        await Expect(Page.Received.Nth(2)).ToContainTextAsync("tick");
        await Expect(Page.Sent).ToHaveCountAsync(0);
        await Page.CloseButton.ClickAsync();
        await Page.StateIsAsync("Closed");
    }

    [Fact]
    public async Task Two_tabs_in_a_room_see_each_others_messages()
    {
        await using var other = await SocketPage.VisitAsync(Chromium, Server);
        await Page.OpenAsync("/rooms/two-tabs");
        await other.OpenAsync("/rooms/two-tabs");

        await Page.SendAsync("from the first");
        await Expect(other.Received.Locator("pre")).ToHaveTextAsync("from the first");
        await other.TakeHexAsync();
        await other.SendAsync("32 6e 64");
        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("0000 32 6e 64 2nd");
        await Expect(other.Received).ToHaveCountAsync(1);
    }
}
