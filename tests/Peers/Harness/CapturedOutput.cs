using System.Buffers;
using System.Text;

namespace Sluice.Peers;

/// <summary>Everything that a process wrote to stdout or stderr so far, as bytes and as lines. Thread-safe.</summary>
public sealed class CapturedOutput
{
    private const int Limit = 256 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Func<Task<string>> _describeProcess;
    private readonly ArrayBufferWriter<byte> _bytes = new();
    private readonly ArrayBufferWriter<byte> _unfinishedLine = new();
    private readonly List<string> _lines = [];
    private TaskCompletionSource _changed = NewSignal();
    private bool _hasEnded;
    private int _linesRead;

    internal CapturedOutput(Stream stream, Func<Task<string>> describeProcess)
    {
        _describeProcess = describeProcess;
        Ended = Task.Run(() => CaptureAsync(stream));
    }

    /// <summary>Completes when nobody can write any more: the process and its children have closed their end.</summary>
    public Task Ended { get; }

    /// <summary>A copy of the bytes that came so far.</summary>
    public byte[] ToArray()
    {
        lock (_gate) return _bytes.WrittenSpan.ToArray();
    }

    /// <summary>What came so far, read as UTF-8.</summary>
    public string Text => Encoding.UTF8.GetString(ToArray());

    /// <summary>The complete lines that came so far; at the end of the output also a last one without line end.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate) return [.. _lines];
        }
    }

    /// <summary>
    /// The first line of all, come or to come, that satisfies <paramref name="match"/>. It is not consumed.
    /// </summary>
    /// <exception cref="EndOfStreamException">The output ended without it.</exception>
    /// <exception cref="TimeoutException">It did not come within <paramref name="timeout"/> (default 30 s).</exception>
    public async Task<string> WaitForLineAsync(Func<string, bool> match, TimeSpan? timeout = null)
    {
        int next = 0;
        string? FindNext()
        {
            while (next < _lines.Count)
            {
                if (match(_lines[next++])) return _lines[next - 1];
            }

            return null;
        }

        return await WaitAsync(FindNext, timeout)
            ?? throw new EndOfStreamException($"the output ended without the line\n{await _describeProcess()}");
    }

    /// <summary>The first line of all, come or to come, that contains <paramref name="part"/>.</summary>
    /// <inheritdoc cref="WaitForLineAsync(Func{string, bool}, TimeSpan?)"/>
    public Task<string> WaitForLineAsync(string part, TimeSpan? timeout = null) =>
        WaitForLineAsync(line => line.Contains(part, StringComparison.Ordinal), timeout);

    /// <summary>The next line that was not read by this method yet; null at the end of the output.</summary>
    /// <exception cref="TimeoutException">None came within <paramref name="timeout"/> (default 30 s).</exception>
    public Task<string?> ReadLineAsync(TimeSpan? timeout = null) =>
        WaitAsync(() => _linesRead < _lines.Count ? _lines[_linesRead++] : null, timeout);

    private async Task<string?> WaitAsync(Func<string?> find, TimeSpan? timeout)
    {
        TimeSpan guard = timeout ?? ProcessUnderTest.Guard;
        using var deadline = new CancellationTokenSource(guard);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (find() is { } line) return line;
                if (_hasEnded) return null;
                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"the line did not come within {guard}\n{await _describeProcess()}", e);
            }
        }
    }

    private async Task CaptureAsync(Stream stream)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            while (await stream.ReadAsync(buffer) is > 0 and int count) Append(buffer.AsSpan(0, count));
        }
        finally
        {
            Append([], atEnd: true);
        }
    }

    private void Append(ReadOnlySpan<byte> bytes, bool atEnd = false)
    {
        lock (_gate)
        {
            if (_bytes.WrittenCount + bytes.Length > Limit)
                throw new InvalidDataException($"the process wrote more than {Limit} bytes");
            _bytes.Write(bytes);
            while (bytes.IndexOf((byte)'\n') is >= 0 and int end)
            {
                _unfinishedLine.Write(bytes[..end]);
                FinishLine();
                bytes = bytes[(end + 1)..];
            }

            _unfinishedLine.Write(bytes);
            if (atEnd && _unfinishedLine.WrittenCount > 0) FinishLine();
            _hasEnded |= atEnd;
            _changed.SetResult();
            _changed = NewSignal();
        }
    }

    private void FinishLine()
    {
        _lines.Add(Encoding.UTF8.GetString(_unfinishedLine.WrittenSpan).TrimEnd('\r'));
        _unfinishedLine.ResetWrittenCount();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
