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
        => IsClosed() ? Stream.Null
            : OperatingSystem.IsWindows() || Console.IsInputRedirected
            ? Console.OpenStandardInput(BufferSize)
            : new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);

    // A descriptor that was closed (<&-) is given to the next file that the runtime opens: a pipe to itself, which never ends.
    // That has its writing end in this process.
    private static bool IsClosed()
    {
        if (!OperatingSystem.IsLinux()) return false;
        var input = Target("0");
        return input.StartsWith("pipe:", StringComparison.Ordinal)
            && Directory.EnumerateFileSystemEntries("/proc/self/fd").Select(Path.GetFileName)
                .Any(number => Target(number!) == input && IsForWriting(number!));
    }

    private static string Target(string descriptor)
    {
        try
        {
            return new FileInfo("/proc/self/fd/" + descriptor).LinkTarget ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // closed meanwhile, as the one that lists them
        }
    }

    private static bool IsForWriting(string descriptor)
    {
        try
        {
            const string Flags = "flags:";
            var line = File.ReadLines("/proc/self/fdinfo/" + descriptor).FirstOrDefault(line => line.StartsWith(Flags, StringComparison.Ordinal));
            return line is not null && line[^1] is '1'; // octal, and O_WRONLY its last digit
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

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
