using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Sluice.Cli.Connect;

/// <summary>
/// The process' stdout. What is written while a write is under way leaves together in the next one, so that a message
/// alone is seen at once and a burst costs few calls. Thread-safe; what one caller writes stays in one piece.
/// </summary>
internal sealed class StandardOutput(Stream stream) : IAsyncDisposable
{
    // How much may wait before a writer is held up.
    private const int Limit = 1024 * 1024;

    private const int BrokenPipe = 32; // EPIPE
    private const int WindowsBrokenPipe = unchecked((int)0x8007006D);
    private const int WindowsNoData = unchecked((int)0x800700E8);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _broken = new();
    private ArrayBufferWriter<byte> _waiting = new();
    private ArrayBufferWriter<byte> _leaving = new();
    private Task _draining = Task.CompletedTask;
    private TaskCompletionSource? _room;
    private bool _isDraining;
    private bool _isBroken;

    /// <summary>Cancelled when nothing can be written any more, as after <c>| head -1</c>, or on a full disk.</summary>
    public CancellationToken Broken => _broken.Token;

    /// <summary>Why not, unless nobody reads any more: that is how a reader says that it has enough.</summary>
    public string? Error { get; private set; }

    // Console's stream hides that a pipe is broken, and a FileStream would not move the position that a file's other
    // writers share: to each its own.
    public static StandardOutput Open()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected) return new StandardOutput(Console.OpenStandardOutput());
        var stream = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return new StandardOutput(stream.CanSeek ? Console.OpenStandardOutput() : stream);
    }

    /// <summary>Writes bytes, then more bytes.</summary>
    /// <returns>Done when there is room for more.</returns>
    public ValueTask WriteAsync(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> end = default)
    {
        lock (_gate)
        {
            if (_isBroken) return default;
            _waiting.Write(bytes);
            _waiting.Write(end);
            if (!_isDraining)
            {
                _isDraining = true;
                _draining = Task.Run(Drain);
            }
            if (_waiting.WrittenCount < Limit) return default;
            return new ValueTask((_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task);
        }
    }

    /// <summary>Waits until everything has left.</summary>
    public async ValueTask DisposeAsync()
    {
        Task draining;
        lock (_gate) draining = _draining;
        await draining.ConfigureAwait(false);
        _broken.Dispose();
    }

    private void Drain()
    {
        while (TakeWaiting())
        {
            try
            {
                stream.Write(_leaving.WrittenSpan);
                stream.Flush();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                Break(IsClosedPipe(e) ? null : $"stdout can't be written: {e.Message}");
                return;
            }
        }
    }

    private bool TakeWaiting()
    {
        lock (_gate)
        {
            _leaving.ResetWrittenCount();
            (_waiting, _leaving) = (_leaving, _waiting);
            _isDraining = _leaving.WrittenCount > 0;
            _room?.SetResult();
            _room = null;
            return _isDraining;
        }
    }

    private static bool IsClosedPipe(Exception error) => error is IOException { HResult: BrokenPipe or WindowsBrokenPipe or WindowsNoData };

    private void Break(string? error)
    {
        lock (_gate)
        {
            Error = error;
            _isBroken = true;
            _isDraining = false;
            _room?.SetResult();
            _room = null;
        }
        _broken.Cancel();
    }
}
