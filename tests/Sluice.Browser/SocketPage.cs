using Microsoft.Playwright;
using Sluice.Peers;
using static Microsoft.Playwright.Assertions;

namespace Sluice.Browser;

/// <summary>The page in one tab, found and used as a person would: by label, by role, by keyboard.</summary>
internal sealed class SocketPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;

    private SocketPage(IBrowserContext context, IPage tab)
    {
        _context = context;
        Tab = tab;
        tab.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") Complaints.Add(message.Text);
        };
        tab.PageError += (_, error) => Complaints.Add(error);
    }

    internal IPage Tab { get; }

    /// <summary>What the browser's console said at level warning or error, and exceptions nobody caught.</summary>
    internal List<string> Complaints { get; } = [];

    internal ILocator Url => Tab.GetByLabel("URL", new() { Exact = true });

    internal ILocator Subprotocols => Tab.GetByLabel("Subprotocols");

    internal ILocator OpenButton => Tab.GetByRole(AriaRole.Button, new() { Name = "Open", Exact = true });

    internal ILocator Message => Tab.GetByLabel("Message", new() { Exact = true });

    internal ILocator SendButton => Tab.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true });

    internal ILocator CloseCode => Tab.GetByLabel("Close code");

    internal ILocator Reason => Tab.GetByLabel("Reason");

    internal ILocator CloseButton => Tab.GetByRole(AriaRole.Button, new() { Name = "Close", Exact = true });

    internal ILocator Log => Tab.GetByRole(AriaRole.Log);

    internal ILocator Lines => Log.Locator(".line");

    internal ILocator Sent => Log.Locator(".line.sent");

    internal ILocator Received => Log.Locator(".line.received");

    internal ILocator Notes => Log.Locator(".line.note");

    internal ILocator Problems => Log.Locator(".line.problem");

    internal ILocator Alert => Tab.Locator("[role=alert]:not(:empty)");

    internal static async Task<SocketPage> VisitAsync(Chromium chromium, PageServer server, BrowserNewContextOptions? options = null)
    {
        var context = await chromium.Browser.NewContextAsync(options);
        context.SetDefaultTimeout((float)ProcessUnderTest.Guard.TotalMilliseconds);
        var page = new SocketPage(context, await context.NewPageAsync());
        await page.Tab.GotoAsync(server.Url.AbsoluteUri);
        await page.StateIsAsync("Closed");
        return page;
    }

    internal Task StateIsAsync(string word) => Expect(Tab.Locator("#state-word")).ToHaveTextAsync(word);

    internal async Task OpenAsync(string? url = null)
    {
        if (url is not null) await Url.FillAsync(url);
        await OpenButton.ClickAsync();
        await StateIsAsync("Open");
    }

    internal async Task SendAsync(string message)
    {
        await Message.FillAsync(message);
        await SendButton.ClickAsync();
    }

    internal Task TakeHexAsync() => Tab.GetByRole(AriaRole.Radio, new() { Name = "Hex" }).CheckAsync();

    public ValueTask DisposeAsync() => new(_context.CloseAsync());
}
