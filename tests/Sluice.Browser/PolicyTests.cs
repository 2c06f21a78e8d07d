using Sluice.Peers;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

public class PolicyTests(Chromium chromium, PageServer server) : PageTest(chromium, server)
{
    [Fact]
    public async Task A_whole_conversation_leaves_the_browser_nothing_to_complain_about()
    {
        await Page.OpenAsync();
        await Page.SendAsync("text");
        await Page.TakeHexAsync();
        await Page.SendAsync("ff");
        await Expect(Page.Received).ToHaveCountAsync(2);
        await Page.CloseButton.ClickAsync();
        await Page.StateIsAsync("Closed");

        Page.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_inline_script_that_got_into_the_page_would_not_run()
    {
        var violated = await Page.Tab.EvaluateAsync<string>("""
            () => new Promise((resolve) => {
              document.addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective));
              const script = document.createElement('script');
              script.textContent = 'window.ran = true';
              document.body.append(script);
            })
            """).WaitAsync(ProcessUnderTest.Guard, TestContext.Current.CancellationToken);

        violated.ShouldBe("script-src-elem");
        (await Page.Tab.EvaluateAsync<bool>("'ran' in window")).ShouldBeFalse();
        Page.Complaints.ShouldNotBeEmpty("this is how a violation shows, and what the test above looks for");
    }
}
