using System.Buffers;
using System.IO.Pipelines;

namespace Sluice.Micro;

/// <summary>A transport that always has the same frames to read, or none at all, and takes everything that is written.</summary>
/// <remarks>The reader unmasks in place, so payloads change with each lap; their lengths do not.</remarks>
internal sealed class EndlessTransport(byte[]? tape) : IDuplexPipe
{
    public PipeReader Input { get; } = tape is null ? new Pipe().Reader : new EndlessReader(tape);

    public PipeWriter Output { get; } = new Sink();

    private sealed class EndlessReader(byte[] tape) : PipeReader
    {
        private ReadOnlySequence<byte> _rest = new(tape);

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            _rest = _rest.Slice(consumed);
            if (_rest.IsEmpty) _rest = new ReadOnlySequence<byte>(tape);
        }

        public override void CancelPendingRead()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => new(new ReadResult(_rest, false, false));

        public override bool TryRead(out ReadResult result)
        {
            result = new ReadResult(_rest, false, false);
            return true;
        }
    }

    private sealed class Sink : PipeWriter
    {
        private readonly byte[] _buffer = new byte[1 << 17];

        public override bool CanGetUnflushedBytes => true;

        public override long UnflushedBytes => 0;

        public override void Advance(int bytes)
        {
        }

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => new(new FlushResult(false, false));

        public override Memory<byte> GetMemory(int sizeHint = 0) => _buffer;

        public override Span<byte> GetSpan(int sizeHint = 0) => _buffer;
    }
}
