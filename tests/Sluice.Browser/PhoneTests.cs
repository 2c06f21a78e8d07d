using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

public class PhoneTests(Chromium chromium, PageServer server)
{
    [Fact]
    public async Task Nothing_is_wider_than_a_phone()
    {
        await using var page = await SocketPage.VisitAsync(chromium, server, new() { ViewportSize = new() { Width = 360, Height = 740 } });
        await page.OpenAsync();
        await page.SendAsync(new string('w', 300));
        await page.TakeHexAsync();
        await page.SendAsync("000102030405060708090a0b0c0d0e0f");
        await Expect(page.Received).ToHaveCountAsync(2);

        (await page.Tab.EvaluateAsync<int>("document.documentElement.scrollWidth")).ShouldBe(360);
        // Eight bytes a row fit; sixteen would have to be scrolled.
        (await page.Received.Last.Locator("pre").EvaluateAsync<bool>("shown => shown.scrollWidth <= shown.clientWidth")).ShouldBeTrue();
    }
}
