using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

// Every case has a connection of its own and waits for bytes most of the time.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
[assembly: AssemblyFixture(typeof(EchoServer))]
[assembly: AssemblyFixture(typeof(Watchdog))]
