namespace Sluice.Tests.Connection;

/// <summary>What a slow reader costs: what its queue holds, and what it has written to the transport that is not gone yet. Runs
/// alone, as the whole process's memory is measured.</summary>
[Collection(nameof(Alone))]
public class SlowReaderMemoryTests
{
    [Theory]
    [InlineData(100)]
    [InlineData(40_000)]
    [InlineData(1_000_000)]
    public async Task What_waits_for_a_slow_reader_takes_no_more_memory_than_the_limit(int size)
    {
        const int limit = 16 * 1024 * 1024;
        var peer = new RawPeer(options: new ConnectionOptions { SendQueueMessages = int.MaxValue, SendQueueLimit = limit });
        var message = new PreparedMessage(MessageType.Binary, new byte[size]);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var queued = 0;
        while (peer.Connection.TrySend(message)) queued++;
        var held = GC.GetTotalMemory(forceFullCollection: true) - before;
        ((long)queued * size).ShouldBeGreaterThan(limit * 3L / 4);
        held.ShouldBeLessThan(limit + (2 * size) + 1_500_000);

        for (var i = 0; i < queued; i++) ((await peer.ReadFrameAsync()).ShouldNotBeNull().Payload.Length).ShouldBe(size);
        peer.Connection.TrySend(message).ShouldBeTrue();
    }
}
