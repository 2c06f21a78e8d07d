using System.Reflection;
using Sluice.Conformance.Wire;
using Xunit.Sdk;
using Xunit.v3;

namespace Sluice.Conformance.Cases;

/// <summary>Once with a server under test, once with a client.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BothSidesAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
        => new([new TheoryDataRow<Side>(Side.Server), new TheoryDataRow<Side>(Side.Client)]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
