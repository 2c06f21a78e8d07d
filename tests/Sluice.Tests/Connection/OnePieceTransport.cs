using System.Buffers;
using System.IO.Pipelines;

namespace Sluice.Tests.Connection;

/// <summary>A transport that reads on into one piece of memory while there is room in it, and copies what it is given to write
/// before it returns; as event loops do.</summary>
internal sealed class OnePieceTransport(int size) : PipeReader, IDuplexPipe
{
    private readonly Lock _gate = new();
    private readonly Writer _writer = new();
    private TaskCompletionSource<ReadResult>? _reading;
    private int _start;
    private int _end;
    private int _examined;
    private bool _ended;

    public byte[] Memory { get; } = new byte[size];

    /// <summary>How many bytes the connection has left here.</summary>
    public int Held => _end - _start;

    public PipeReader Input => this;

    public PipeWriter Output => _writer;

    /// <summary>What was handed over to be written as it lies.</summary>
    public List<ReadOnlyMemory<byte>> Direct => _writer.Direct;

    /// <summary>While it is not done, what was handed over to be written as it lies is still being read.</summary>
    public Task DirectDone
    {
        set => _writer.DirectDone = value;
    }

    /// <summary>All that was written.</summary>
    public byte[] Sent => _writer.Sent.WrittenSpan.ToArray();

    /// <summary>Bytes come from the peer.</summary>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            bytes.CopyTo(Memory.AsSpan(_end));
            _end += bytes.Length;
        }
        Signal();
    }

    /// <summary>The peer has ended its side.</summary>
    public void End()
    {
        _ended = true;
        Signal();
    }

    public override bool TryRead(out ReadResult result)
    {
        lock (_gate)
        {
            result = Result();
            return _end > _examined || _ended;
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_end > _examined || _ended) return new(Result());
            _reading = new TaskCompletionSource<ReadResult>();
            return new(_reading.Task);
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_gate)
        {
            _start = consumed.GetInteger();
            _examined = examined.GetInteger();
            if (_start == _end) _start = _end = _examined = 0;
        }
    }

    public override void CancelPendingRead()
    {
        TaskCompletionSource<ReadResult>? reading;
        ReadResult result;
        lock (_gate)
        {
            reading = _reading;
            _reading = null;
            result = new ReadResult(new ReadOnlySequence<byte>(Memory, _start, Held), isCanceled: true, _ended);
        }
        reading?.SetResult(result);
    }

    public override void Complete(Exception? exception = null)
    {
    }

    private void Signal()
    {
        TaskCompletionSource<ReadResult>? reading;
        ReadResult result;
        lock (_gate)
        {
            reading = _reading;
            _reading = null;
            result = Result();
        }
        reading?.SetResult(result);
    }

    private ReadResult Result() => new(new ReadOnlySequence<byte>(Memory, _start, Held), isCanceled: false, _ended);

    private sealed class Writer : PipeWriter
    {
        public ArrayBufferWriter<byte> Sent { get; } = new();

        public List<ReadOnlyMemory<byte>> Direct { get; } = [];

        public Task DirectDone { get; set; } = Task.CompletedTask;

        public override void Advance(int bytes) => Sent.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => Sent.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => Sent.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => default;

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            Direct.Add(source);
            Sent.Write(source.Span);
            return DirectDone.IsCompleted ? default : WaitAsync();
        }

        public override void CancelPendingFlush()
        {
        }

        private async ValueTask<FlushResult> WaitAsync()
        {
            await DirectDone;
            return default;
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }
}
