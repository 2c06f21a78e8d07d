using System.Reflection;

namespace Sluice.PublicApi.Tests;

public class PublicApiTests
{
    [Theory]
    [InlineData("Sluice")]
    [InlineData("Sluice.AspNetCore")]
    [InlineData("Sluice.Proxy")]
    [InlineData("Sluice.Relay")]
    [InlineData("Sluice.Transport.Epoll")]
    public void The_public_surface_is_the_one_that_was_reviewed(string package)
        => ApiListing.Check(Assembly.Load(package), Path.Combine(Repository(), "tests", "Sluice.PublicApi.Tests", package + ".txt"));

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Sluice.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("no folder above the tests has Sluice.slnx");
    }
}
