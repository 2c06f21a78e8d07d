namespace Sluice.Browser;

/// <summary>A test with one tab on the page.</summary>
public abstract class PageTest(Chromium chromium, PageServer server) : IAsyncLifetime
{
    internal Chromium Chromium => chromium;

    internal PageServer Server => server;

    internal SocketPage Page { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Page = await SocketPage.VisitAsync(chromium, server);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (Page is not null) await Page.DisposeAsync();
    }
}
