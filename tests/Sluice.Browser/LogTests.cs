using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

public class LogTests(Chromium chromium, PageServer server) : PageTest(chromium, server)
{
    private const int MaxLines = 1000;

    [Fact]
    public async Task The_log_keeps_the_newest_thousand_lines_and_counts_the_dropped()
    {
        await Page.OpenAsync();
        await Page.Message.FillAsync("many");
        await SendManyAsync(700);
        await Page.SendAsync("the last");

        await Expect(Page.Received.Last).ToContainTextAsync("the last");
        await Expect(Page.Lines).ToHaveCountAsync(MaxLines);
        // Two notes for opening, 701 messages there and back.
        await Expect(Page.Log.Locator(".dropped")).ToHaveTextAsync($"{2 + (2 * 701) - MaxLines} earlier lines dropped; the log keeps 1,000.");
        await Expect(Page.Tab.Locator("#received")).ToHaveTextAsync($"701 messages, {(700 * 4) + 8:N0} bytes");
    }

    [Fact]
    public async Task Lines_written_while_the_tab_paints_nothing_are_bounded_and_counted_too()
    {
        await Page.OpenAsync();
        await Page.Message.FillAsync("x");
        // One task, so not one animation frame in between.
        await SendManyAsync(5000);

        await Expect(Page.Tab.Locator("#received")).ToHaveTextAsync("5,000 messages, 5,000 bytes");
        await Expect(Page.Lines).ToHaveCountAsync(MaxLines);
        await Expect(Page.Log.Locator(".dropped")).ToContainTextAsync("9,002 earlier lines dropped");
    }

    [Fact]
    public async Task A_long_text_is_cut_in_view_and_its_full_size_told()
    {
        await Page.OpenAsync();
        // The cut at 2,000 falls between the halves of a surrogate pair.
        await Page.SendAsync(new string('a', 1999) + "🌊" + new string('b', 98_000));

        await Expect(Page.Received.Locator(".size")).ToHaveTextAsync("100,003 bytes");
        await Expect(Page.Received.Locator(".more")).ToHaveTextAsync("Only the first 1,999 of 100,001 characters are shown.");
        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync(new string('a', 1999));
    }

    [Fact]
    public async Task A_text_of_many_lines_is_cut_in_view()
    {
        await Page.OpenAsync();
        await Page.SendAsync(string.Join('\n', Enumerable.Repeat("line", 500)));

        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync(string.Join('\n', Enumerable.Repeat("line", 20)));
        await Expect(Page.Received.Locator(".more")).ToContainTextAsync("of 2,499 characters");
    }

    [Fact]
    public async Task A_long_binary_is_cut_in_view_and_its_full_size_told()
    {
        await Page.OpenAsync();
        await Page.TakeHexAsync();
        await Page.SendAsync(string.Concat(Enumerable.Repeat("ab", 2000)));

        await Expect(Page.Received.Locator(".size")).ToHaveTextAsync("2,000 bytes");
        await Expect(Page.Received.Locator(".more")).ToHaveTextAsync("Only the first 256 bytes of 2,000 are shown.");
        (await Page.Received.Locator("pre").EvaluateAsync<int>("shown => shown.textContent.split('\\n').length")).ShouldBe(256 / 16);
    }

    [Fact]
    public async Task Clear_empties_the_log_and_the_counters()
    {
        await Page.OpenAsync();
        await Page.SendAsync("before");
        await Expect(Page.Received).ToHaveCountAsync(1);
        await Page.Tab.GetByRole(AriaRole.Button, new() { Name = "Clear" }).ClickAsync();

        await Expect(Page.Lines).ToHaveCountAsync(0);
        await Expect(Page.Tab.Locator("#sent")).ToHaveTextAsync("0 messages, 0 bytes");
        await Expect(Page.Tab.Locator("#received")).ToHaveTextAsync("0 messages, 0 bytes");
        await Page.SendAsync("after");
        await Expect(Page.Received.Locator("pre")).ToHaveTextAsync("after");
    }

    [Fact]
    public async Task The_log_follows_the_newest_line_unless_the_reader_scrolled_up()
    {
        var newest = Page.Tab.GetByRole(AriaRole.Button, new() { Name = "Newest" });
        await Page.OpenAsync();
        await Page.Message.FillAsync("fill");
        await SendManyAsync(60);
        await Expect(Page.Received).ToHaveCountAsync(60);
        await Expect(Page.Received.Last).ToBeInViewportAsync();

        await Page.Log.EvaluateAsync("box => box.scrollTo(0, 0)");
        await Page.SendAsync("unseen");
        await Expect(newest).ToBeVisibleAsync();
        await Expect(Page.Received.Last).ToContainTextAsync("unseen");
        await Expect(Page.Received.Last).Not.ToBeInViewportAsync();

        await newest.ClickAsync();
        await Expect(Page.Received.Last).ToBeInViewportAsync();
        await Expect(newest).ToBeHiddenAsync();
    }

    private async Task SendManyAsync(int count) => await Page.Tab.EvaluateAsync(
        "count => { for (let i = 0; i < count; i++) document.getElementById('send').requestSubmit(); }", count);
}
