using System.Reflection;
using Sluice.Peers;

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
        => ApiListing.Check(Assembly.Load(package), RepositoryRoot.Combine("tests", "Sluice.PublicApi.Tests", package + ".txt"));
}
