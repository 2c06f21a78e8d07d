[assembly: AssemblyFixture(typeof(Sluice.Cli.Tests.Support.SharedServer))]

namespace Sluice.Cli.Tests.Support;

/// <summary>One <c>sluice serve</c> with the defaults, for all tests that need nothing special.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    public RunningServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await RunningServer.ServeAsync();

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}
