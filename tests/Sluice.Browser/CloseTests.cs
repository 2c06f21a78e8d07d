using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

public class CloseTests(Chromium chromium, PageServer server) : PageTest(chromium, server)
{
    [Fact]
    public async Task Code_and_reason_are_sent_and_the_servers_answer_is_shown()
    {
        await Page.OpenAsync();
        await Page.CloseCode.FillAsync("4321");
        await Page.Reason.FillAsync("enough för today");
        await Page.CloseButton.ClickAsync();

        await Page.StateIsAsync("Closed");
        await Expect(Page.Notes.Nth(2)).ToContainTextAsync("Closing with 4321 (private use), reason: enough för today");
        await Expect(Page.Notes.Last).ToContainTextAsync("Closed with 4321 (private use)");
        await Expect(Page.OpenButton).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_normal_closure_is_named_and_the_page_can_open_again()
    {
        await Page.OpenAsync();
        await Page.CloseButton.ClickAsync();
        await Page.StateIsAsync("Closed");
        await Expect(Page.Notes.Last).ToContainTextAsync("Closed with 1000 (normal closure), no reason given");

        await Page.OpenAsync();
        await Page.SendAsync("again");
        await Expect(Page.Received).ToContainTextAsync("again");
    }

    [Theory]
    [InlineData("999")]
    [InlineData("1001")]
    [InlineData("1006")]
    [InlineData("2999")]
    [InlineData("5000")]
    [InlineData("1e3")]
    [InlineData("x")]
    public async Task A_code_that_a_page_may_not_send_is_explained(string code)
    {
        await Page.OpenAsync();
        await Page.CloseCode.FillAsync(code);
        await Page.CloseButton.ClickAsync();

        await Expect(Page.Alert).ToContainTextAsync("1000, or one from 3000 to 4999");
        await Expect(Page.CloseCode).ToHaveAttributeAsync("aria-invalid", "true");
        await Page.StateIsAsync("Open");
    }

    [Fact]
    public async Task A_reason_of_123_bytes_is_sent_and_one_of_124_is_not()
    {
        // é is two bytes of UTF-8.
        var longest = new string('é', 61) + "a";
        await Page.OpenAsync();
        await Page.Reason.FillAsync(longest + "b");
        await Page.CloseButton.ClickAsync();
        await Expect(Page.Alert).ToContainTextAsync("The reason is 124 bytes of UTF-8; a close frame has room for 123");
        await Expect(Page.Reason).ToHaveAttributeAsync("aria-invalid", "true");
        await Page.StateIsAsync("Open");

        await Page.Reason.FillAsync(longest);
        await Page.CloseButton.ClickAsync();
        await Page.StateIsAsync("Closed");
        await Expect(Page.Notes.Nth(2)).ToContainTextAsync(longest);
        await Expect(Page.Notes.Last).ToContainTextAsync("Closed with 1000");
    }

    [Fact]
    public async Task A_reason_without_a_code_is_explained()
    {
        await Page.OpenAsync();
        await Page.CloseCode.FillAsync("");
        await Page.Reason.FillAsync("why not");
        await Page.CloseButton.ClickAsync();

        await Expect(Page.Alert).ToContainTextAsync("A reason needs a close code");
        await Page.StateIsAsync("Open");
    }

    [Fact]
    public async Task Without_a_code_the_close_frame_is_empty()
    {
        await Page.OpenAsync();
        await Page.CloseCode.FillAsync("");
        await Page.CloseButton.ClickAsync();

        await Page.StateIsAsync("Closed");
        await Expect(Page.Notes.Nth(2)).ToContainTextAsync("Closing with no code");
    }

    [Fact]
    public async Task A_close_by_the_server_is_shown_with_its_code()
    {
        await Page.OpenAsync();
        await Page.SendAsync(new string('x', PageServer.MaxMessage + 1));

        await Page.StateIsAsync("Closed");
        await Expect(Page.Lines.Last).ToContainTextAsync("Closed with 1009 (message too big), reason: ");
        await Expect(Page.Received).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_server_that_stops_says_so_with_1001()
    {
        await using var stopping = new PageServer();
        await stopping.InitializeAsync();
        await using var page = await SocketPage.VisitAsync(Chromium, stopping);
        await page.OpenAsync();
        stopping.Terminate();

        await page.StateIsAsync("Closed");
        await Expect(page.Notes.Last).ToContainTextAsync("Closed with 1001 (going away)");
    }

    [Fact]
    public async Task A_server_that_vanishes_is_told_as_an_abnormal_closure()
    {
        await using var doomed = new PageServer();
        await doomed.InitializeAsync();
        await using var page = await SocketPage.VisitAsync(Chromium, doomed);
        await page.OpenAsync();
        doomed.Kill();

        await page.StateIsAsync("Closed");
        await Expect(page.Problems).ToContainTextAsync("without a closing handshake, code 1006 (abnormal closure)");
        await page.OpenButton.ClickAsync();
        await Expect(page.Problems.Last).ToContainTextAsync("does not answer any more. Is the server still running?");
    }
}
