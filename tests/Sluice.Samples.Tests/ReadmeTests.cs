using Sluice.Peers;

namespace Sluice.Samples.Tests;

public class ReadmeTests
{
    [Theory]
    [InlineData("Server")]
    [InlineData("Client")]
    [InlineData("Proxy")]
    public void The_readme_shows_the_sample_that_is_compiled_and_run(string name)
    {
        var readme = File.ReadAllText(RepositoryRoot.Combine("README.md"));
        var source = Sample.Source(name).Trim();
        readme.ShouldContain($"<!-- samples/{name}/Program.cs -->\n```csharp\n{source}\n```");
        source.Split('\n').Length.ShouldBeLessThanOrEqualTo(10, "the README promises ten lines");
    }
}
