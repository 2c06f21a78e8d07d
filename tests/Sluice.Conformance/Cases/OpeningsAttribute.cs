using System.Reflection;
using Sluice.Conformance.Wire;
using Xunit.Sdk;
using Xunit.v3;

namespace Sluice.Conformance.Cases;

/// <summary>Every case of a static member, with every delivery.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OpeningsAttribute(string member) : DataAttribute
{
    /// <summary>Leaves out the cuts, for what is refused before all of it has come.</summary>
    public bool WholeOnly { get; init; }

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        var cases = (System.Collections.IEnumerable)testMethod.DeclaringType!
            .GetMethod(member, BindingFlags.Static | BindingFlags.NonPublic)!.Invoke(null, null)!;
        var rows = from each in cases.Cast<object>()
                   from delivery in WholeOnly ? [Delivery.Whole] : Enum.GetValues<Delivery>()
                   select new TheoryDataRow(each, delivery);
        return new([.. rows]);
    }

    public override bool SupportsDiscoveryEnumeration() => false;
}
