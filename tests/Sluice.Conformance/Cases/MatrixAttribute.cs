using System.Reflection;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;
using Xunit.Sdk;
using Xunit.v3;

namespace Sluice.Conformance.Cases;

/// <summary>Every case of a static member, with every subject and every delivery.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MatrixAttribute(string member) : DataAttribute
{
    /// <summary>The member of the test's class that lists the cases.</summary>
    public string Member => member;

    /// <summary>Leaves out the cuts, for cases whose bytes are many.</summary>
    public bool WholeOnly { get; init; }

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        var found = testMethod.DeclaringType!.GetMethod(member, BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
            ?? throw new InvalidOperationException($"{testMethod.DeclaringType} has no static method {member}");
        var cases = (IEnumerable<Exchange>)found.Invoke(null, null)!;
        var deliveries = WholeOnly ? [Delivery.Whole] : Enum.GetValues<Delivery>();
        var rows = from each in cases
                   from subject in Enum.GetValues<Subject>()
                   from delivery in deliveries
                   select new TheoryDataRow<Exchange, Subject, Delivery>(each, subject, delivery);
        return new([.. rows]);
    }

    // The rows are not serialised: they are made when the theory runs.
    public override bool SupportsDiscoveryEnumeration() => false;
}
