using System.Net;

namespace Sluice.Tests.Client;

public sealed class HappyEyeballsTests
{
    [Theory]
    [InlineData("::1 ::2 1.1.1.1 1.1.1.2", "::1 1.1.1.1 ::2 1.1.1.2")]
    [InlineData("1.1.1.1 1.1.1.2 ::1", "1.1.1.1 ::1 1.1.1.2")]
    [InlineData("1.1.1.1 1.1.1.2", "1.1.1.1 1.1.1.2")]
    [InlineData("::1", "::1")]
    [InlineData("::1 1.1.1.1 1.1.1.2 1.1.1.3", "::1 1.1.1.1 1.1.1.2 1.1.1.3")]
    public void RFC_8305_4_the_families_take_turns_beginning_with_the_best_address(string resolved, string tried)
        => HappyEyeballs.Interleave([.. resolved.Split(' ').Select(IPAddress.Parse)]).ShouldBe(tried.Split(' ').Select(IPAddress.Parse));
}
