namespace Sluice.Tests;

public class ScaffoldTest
{
    [Fact]
    public void Runs() => true.ShouldBeTrue();
}
