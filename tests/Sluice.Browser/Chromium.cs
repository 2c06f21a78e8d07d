using Microsoft.Playwright;
using Sluice.Peers;

[assembly: AssemblyFixture(typeof(Sluice.Browser.Chromium))]

namespace Sluice.Browser;

/// <summary>One headless Chromium for all tests; each test gets its own context, so none sees another's state.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private const string Executable = "/usr/bin/chromium";

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    internal IBrowser Browser => _browser ?? throw new InvalidOperationException("Chromium was not started.");

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Executable))
        {
            throw new FileNotFoundException(
                $"The browser tests drive Debian's Chromium, and {Executable} is not there. " +
                "Install it as root: apt-get install -y chromium", Executable);
        }

        Assertions.SetDefaultExpectTimeout((float)ProcessUnderTest.Guard.TotalMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Executable,
            // Root has no user namespace to build the sandbox from; the rest keeps Chromium from calling out.
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
