using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Win32.SafeHandles;

namespace Sluice.Cli.Connect;

/// <summary>The process' stdin as a pipe, so that a wait for input can be given up.</summary>
internal static class StandardInput
{
    private const int BufferSize = 64 * 1024;

    /// <summary>Reads from now on. A thread of its own waits for bytes; it ends with the process.</summary>
    public static PipeReader Open()
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 4 * BufferSize, resumeWriterThreshold: 2 * BufferSize, useSynchronizationContext: false));
        var thread = new Thread(() => Pump(OpenStream(), pipe.Writer)) { IsBackground = true, Name = "stdin" };
        thread.Start();
        return pipe.Reader;
    }

    // A terminal edits lines by itself, and knows Ctrl+D; Console's stream would do that anew in its own way.
    private static Stream OpenStream()
        => OperatingSystem.IsWindows() || Console.IsInputRedirected
            ? Console.OpenStandardInput(BufferSize)
            : new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    private static void Pump(Stream input, PipeWriter target)
    {
        Exception? error = null;
        try
        {
            while (true)
            {
                var length = input.Read(target.GetSpan(BufferSize));
                if (length == 0) break;
                target.Advance(length);
                if (target.FlushAsync().AsTask().GetAwaiter().GetResult().IsCompleted) break;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            error = new IOException($"stdin can't be read: {e.Message}", e);
        }
        target.Complete(error);
    }
}
