using System.IO.Pipelines;
using Sluice.Protocol;
using Sluice.Tests.Protocol;

namespace Sluice.Tests.Connection;

/// <summary>A transport that throws, wherever it can: each time a result, a release, and no call left hanging.</summary>
public class TransportFaultTests
{
    private static readonly TimeSpan Guard = RawPeer.Guard;

    public enum Fault
    {
        GetMemory,
        FlushAtOnce,
        FlushLater,
        CompleteWriter,
        ReadAtOnce,
        ReadLater,
        AdvanceTo,
        CompleteReader,
        CancelRead,
        AbortTransport,
    }

    public static TheoryData<Fault> Faults => [.. Enum.GetValues<Fault>()];

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Whatever_throws_the_connection_ends_and_is_released(Fault fault)
    {
        foreach (var role in new[] { Role.Server, Role.Client })
        {
            var there = new Pipe(new PipeOptions(useSynchronizationContext: false));
            var back = new Pipe(new PipeOptions(pauseWriterThreshold: 100, resumeWriterThreshold: 50, useSynchronizationContext: false));
            var connection = new WebSocketConnection(
                new FaultyTransport(there.Reader, back.Writer, fault), role, new ConnectionOptions { LingerTimeout = TimeSpan.FromMilliseconds(100) },
                abortTransport: () =>
                {
                    if (fault == Fault.AbortTransport) throw new FaultException();
                });
            var receiving = Receive(connection);
            var ping = connection.PingAsync();
            var sending = Enumerable.Range(0, 4).Select(_ => connection.SendAsync(new byte[200]).AsTask()).ToArray();
            await there.Writer.WriteAsync(Wire.Text("one", masked: role == Role.Server));
            await Task.WhenAny(connection.Closed, receiving).WaitAsync(Guard);
            connection.Abort();
            await connection.Released.WaitAsync(Guard);
            (await connection.Closed).Code.ShouldBe(CloseCode.AbnormalClosure);
            await receiving.WaitAsync(Guard);
            await Should.ThrowAsync<WebSocketClosedException>(ping.WaitAsync(Guard));
            foreach (var sent in sending) await Should.ThrowAsync<WebSocketClosedException>(sent.WaitAsync(Guard));
            connection.TrySend(MessageType.Text, default).ShouldBeFalse();
        }
    }

    [Fact]
    public async Task A_flush_that_was_lost_is_not_reported_as_sent()
    {
        var there = new Pipe();
        var back = new Pipe();
        var connection = new WebSocketConnection(new FaultyTransport(there.Reader, back.Writer, Fault.FlushAtOnce), Role.Server);
        await Should.ThrowAsync<WebSocketClosedException>(connection.SendAsync("lost").AsTask().WaitAsync(Guard));
        connection.Abort();
        await connection.Released.WaitAsync(Guard);
    }

    // To the first message or the end.
    private static async Task Receive(WebSocketConnection connection)
    {
        using var message = await connection.ReceiveAsync();
    }

    private sealed class FaultException : Exception;

    private sealed class FaultyTransport(PipeReader reader, PipeWriter writer, Fault fault) : IDuplexPipe
    {
        public PipeReader Input { get; } = new Reader(reader, fault);

        public PipeWriter Output { get; } = new Writer(writer, fault);
    }

    private sealed class Reader(PipeReader inner, Fault fault) : PipeReader
    {
        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            inner.AdvanceTo(consumed, examined);
            if (fault == Fault.AdvanceTo) throw new FaultException();
        }

        public override void CancelPendingRead()
        {
            inner.CancelPendingRead();
            if (fault == Fault.CancelRead) throw new FaultException();
        }

        public override void Complete(Exception? exception = null)
        {
            inner.Complete(exception);
            if (fault == Fault.CompleteReader) throw new FaultException();
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
            => fault == Fault.ReadAtOnce ? throw new FaultException() : fault == Fault.ReadLater ? Later() : inner.ReadAsync(cancellationToken);

        public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

        private async ValueTask<ReadResult> Later()
        {
            await inner.ReadAsync();
            throw new FaultException();
        }
    }

    private sealed class Writer(PipeWriter inner, Fault fault) : PipeWriter
    {
        public override void Advance(int bytes) => inner.Advance(bytes);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            inner.Complete(exception);
            if (fault == Fault.CompleteWriter) throw new FaultException();
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
            => fault == Fault.FlushAtOnce ? throw new FaultException() : fault == Fault.FlushLater ? Later() : inner.FlushAsync(cancellationToken);

        public override Memory<byte> GetMemory(int sizeHint = 0)
            => fault == Fault.GetMemory ? throw new FaultException() : inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        private static async ValueTask<FlushResult> Later()
        {
            await Task.Yield();
            throw new FaultException();
        }
    }
}
