namespace Sluice.Tests.PublicApi;

public class PublicApiTests
{
    [Fact]
    public void The_public_surface_of_Sluice_is_the_one_that_was_reviewed()
        => ApiListing.Check(typeof(WebSocketConnection).Assembly, Path.Combine(Repository(), "tests/Sluice.Tests/PublicApi/Sluice.txt"));

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Sluice.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("no folder above the tests has Sluice.slnx");
    }
}
